"""`localhost` that is both ::1 and 127.0.0.1, as on most Linux and macOS: the broker listens on 127.0.0.1 only.

In a network namespace with a hosts file of its own, because most resolvers leave ::1 out where only IPv4 leads outside.
"""

import shutil
import subprocess
import sys

import pytest

from tests.programs import ROOT
from tests.scheduling import rest_repeats

STARTS = {False: 3, True: 8}  # with --all
IN_A_NAMESPACE = 'mount --bind "$1" /etc/hosts && ip link set lo up && shift && exec "$@"'
LIKES = """
import sys, tempfile
from pathlib import Path
import requests
from tests.brokers import local_broker, with_topic
from tests.programs import producer, wait_until

def click(url):
    try:
        return requests.post(url + "/like", timeout=20)
    except requests.ConnectionError:
        return None

with tempfile.TemporaryDirectory() as folder, local_broker(Path(folder)) as servers:
    with_topic(servers)
    for _ in range(int(sys.argv[1])):
        program = producer(servers)
        answer = wait_until(lambda: click(program.url), "an answer", lines=program.lines)
        print("answered", answer.status_code, answer.text.strip(), flush=True)
        program.interrupt()
"""


def namespace_problem() -> str:
    """Why no network namespace can be made, empty if one can."""
    if not shutil.which("unshare") or not shutil.which("ip"):
        return "needs unshare and ip (Debian: util-linux, iproute2)"
    done = subprocess.run(["unshare", "-n", "-m", "true"], capture_output=True, text=True)
    return f"no namespace of its own: {done.stderr.strip()}" if done.returncode else ""


@pytest.mark.parametrize(("first", "second"), rest_repeats([("::1", "127.0.0.1"), ("127.0.0.1", "::1")]))
def test_the_first_like_is_confirmed_whichever_address_is_tried_first(first, second, tmp_path, all_cases):
    if problem := namespace_problem():
        pytest.skip(problem)
    hosts = tmp_path / "hosts"
    hosts.write_text("".join(f"{address} localhost\n" for address in (first, second)))
    starts = STARTS[all_cases]
    program = [sys.executable, "-c", LIKES, str(starts)]
    command = ["unshare", "-n", "-m", "sh", "-c", IN_A_NAMESPACE, "sh", str(hosts), *program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    answers = [line for line in done.stdout.splitlines() if line.startswith("answered ")]
    assert len(answers) == starts, done.stdout + done.stderr
    assert [line for line in answers if not line.startswith("answered 201 ")] == []
