"""The consumers' processes: the broker does not know who is alive before a session times out, so they are asked."""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import requests

from page.group import port_of
from plumbing import loopback

PROBE_SECONDS = 0.8  # how long to wait for a consumer's /status
PROBE_EVERY_SECONDS = 0.5
SESSION_TIMEOUT_SECONDS = 6.0  # until a consumer reports its own
NEVER = float("-inf")


@dataclass
class Process:
    """A consumer's process: when it last answered `GET /status`, and what. Times are time.monotonic()."""

    answered_at: float
    status: dict = field(default_factory=dict)
    silent: bool = False
    left_at: float = NEVER  # when the group was first seen without it

    @property
    def session_timeout(self) -> float:
        """Seconds without a heartbeat until the broker removes it from the group."""
        milliseconds = self.status.get("session_timeout_ms")
        return milliseconds / 1000 if isinstance(milliseconds, int) else SESSION_TIMEOUT_SECONDS

    def seconds_left(self, now: float) -> float:
        """Until the broker notices that it is gone, at most."""
        return max(self.session_timeout - (now - self.answered_at), 0.0)

    def timed_out(self, now: float) -> bool:
        """Whether it has been silent for most of its session timeout: then it did not leave the group cleanly."""
        return self.silent and now - self.answered_at > self.session_timeout / 2

    def wants_into(self, group: str) -> bool:
        """Whether it answers, in this group, and not only because it has not finished leaving."""
        if self.silent or self.status.get("group") != group:
            return False
        return self.answered_at > self.left_at + 2 * PROBE_EVERY_SECONDS


class Processes(dict[str, Process]):
    """Client id -> its process, for each client that has a port."""

    def __init__(self):
        super().__init__()
        self._probed_at = NEVER
        self._threads = ThreadPoolExecutor(8)

    def close(self) -> None:
        self._threads.shutdown()

    def probe(self, client_ids: Iterable[str], now: float) -> None:
        """Ask all of them for their status at the same time, but not at every call."""
        if now - self._probed_at < PROBE_EVERY_SECONDS:
            return
        self._probed_at = now
        client_ids = list(client_ids)
        for client_id, status in zip(client_ids, self._threads.map(status_of, client_ids), strict=True):
            process = self.setdefault(client_id, Process(answered_at=now))
            process.silent = status is None
            if status is not None:
                process.answered_at, process.status = time.monotonic(), status

    def silent(self, client_id: str) -> bool:
        return client_id in self and self[client_id].silent


def status_of(client_id: str) -> dict | None:
    """What the consumer answers, None if it does not, or if another one answers on its port."""
    try:
        answer = loopback.get(f"http://127.0.0.1:{port_of(client_id)}/status", timeout=PROBE_SECONDS).json()
    except (requests.RequestException, ValueError):
        return None
    return answer if isinstance(answer, dict) and answer.get("client_id") == client_id else None
