"""Requests from the page to run.py's control endpoint: commands, and new lines. launcher/control.py has the API.

Raises requests.RequestException if run.py does not answer or refuses.
"""

from plumbing import loopback
from settings import CONTROL_TOKEN, CONTROL_URL

ANSWER_SECONDS = 3
HEADERS = {"Authorization": f"Bearer {CONTROL_TOKEN}"}


def send(path: str, **body) -> dict:
    """`send("", command="stop 1")`."""
    answer = loopback.post(f"{CONTROL_URL}{path}", json=body, headers=HEADERS, timeout=ANSWER_SECONDS)
    answer.raise_for_status()
    return answer.json()


def ask(path: str, since: int) -> dict:
    """`ask("lines", since=42)`."""
    answer = loopback.get(f"{CONTROL_URL}{path}", params={"since": since}, headers=HEADERS, timeout=ANSWER_SECONDS)
    answer.raise_for_status()
    return answer.json()
