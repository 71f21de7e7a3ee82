"""The consumers' processes, which are asked directly: the broker notices a dead one only when its session times out."""

import queue
import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import requests

from page.group import port_of
from plumbing import loopback

PROBE_SECONDS = 0.8  # how long to wait for a consumer's /status
PROBE_EVERY_SECONDS = 0.5
SESSION_TIMEOUT_SECONDS = 6.0  # until a consumer reports its own
STRANGER_SECONDS = 15.0  # a member that has not answered for this long is not a consumer.py
GONE_SECONDS = 60.0  # a consumer that left longer ago is asked again only when it returns
THREADS = 8
NEVER = float("-inf")


@dataclass
class Process:
    """A consumer's process: when it last answered `GET /status`, and how. Times are time.monotonic()."""

    answered_at: float  # before its first answer: when it was first asked
    status: dict = field(default_factory=dict)
    silent: bool = False
    left_at: float = NEVER  # when the group was first seen without it

    @property
    def session_timeout(self) -> float:
        """Seconds without a heartbeat until the broker removes it from the group."""
        milliseconds = self.status.get("session_timeout_ms")
        return milliseconds / 1000 if isinstance(milliseconds, int) else SESSION_TIMEOUT_SECONDS

    def seconds_left(self, now: float) -> float:
        """Seconds until the broker notices that it is gone, at most."""
        return max(self.session_timeout - (now - self.answered_at), 0.0)

    def is_stranger(self, now: float) -> bool:
        """True if it is another client whose client id only looks like a consumer's."""
        return not self.status and now - self.answered_at > STRANGER_SECONDS

    def timed_out(self, now: float) -> bool:
        """True if it has been silent for most of its session timeout: then it did not leave the group cleanly."""
        return self.silent and now - self.answered_at > self.session_timeout / 2

    def wants_into(self, group: str) -> bool:
        """True if it answers, in this group, and is not just about to leave."""
        if self.silent or self.status.get("group") != group:
            return False
        return self.answered_at > self.left_at + 2 * PROBE_EVERY_SECONDS


class Processes(dict[str, Process]):
    """Client id -> its process, for each client that has a port. The `expected` ones are always asked."""

    def __init__(self, expected: Iterable[str] = ()):
        super().__init__()
        self.expected = frozenset(expected)
        self._probed_at = NEVER
        # Not a ThreadPoolExecutor: while Python exits, that refuses work with an error.
        self._questions: queue.SimpleQueue = queue.SimpleQueue()
        for _ in range(THREADS):
            threading.Thread(target=self._answer_questions, daemon=True).start()

    def close(self) -> None:
        for _ in range(THREADS):
            self._questions.put(None)

    def probe(self, client_ids: Iterable[str], present: Collection[str], now: float) -> None:
        """Ask those that may be consumers for their status, concurrently, but not at every call. `present` are the
        group's members."""
        if now - self._probed_at < PROBE_EVERY_SECONDS:
            return
        self._probed_at = now
        asked = [client_id for client_id in client_ids if self._is_to_be_asked(client_id, client_id in present, now)]
        for client_id, status in self._ask(asked).items():
            process = self.setdefault(client_id, Process(answered_at=now))
            process.silent = status is None and not process.is_stranger(now)
            if status is not None:
                process.answered_at, process.status = time.monotonic(), status

    def _is_to_be_asked(self, client_id: str, present: bool, now: float) -> bool:
        process = self.get(client_id)
        if process is None or client_id in self.expected:
            return True
        if present:
            return not process.is_stranger(now) or process.silent
        return now - process.left_at < GONE_SECONDS

    def _ask(self, client_ids: list[str]) -> dict[str, dict | None]:
        answers: queue.SimpleQueue = queue.SimpleQueue()
        for client_id in client_ids:
            self._questions.put((client_id, answers))
        found = dict(answers.get() for _ in client_ids)
        for answer in found.values():
            if isinstance(answer, Exception):
                raise answer
        return found

    def _answer_questions(self) -> None:
        while question := self._questions.get():
            client_id, answers = question
            try:
                answers.put((client_id, status_of(client_id)))
            except Exception as error:  # for the thread that asked
                answers.put((client_id, error))

    def forget_stranger(self, client_id: str) -> bool:
        """Forget the client if it has never answered as a consumer and is not expected; returns True if so."""
        unknown = client_id not in self.expected and not (client_id in self and self[client_id].status)
        if unknown:
            self.pop(client_id, None)
        return unknown

    def silent(self, client_id: str) -> bool:
        return client_id in self and self[client_id].silent


def status_of(client_id: str) -> dict | None:
    """The consumer's answer; None if it does not answer, or another program answers on its port."""
    try:
        answer = loopback.get(f"http://127.0.0.1:{port_of(client_id)}/status", timeout=PROBE_SECONDS).json()
    except (requests.RequestException, ValueError):
        return None
    return answer if isinstance(answer, dict) and answer.get("client_id") == client_id else None
