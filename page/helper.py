"""A process beside the page that is asked about one lab or exercise after the other, while somebody looks; shared by
all visitors."""

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator

from plumbing.child import Child

PAUSE_SECONDS = 0.3  # before it is replaced
LOOK_SECONDS = 0.1
END_SECONDS = 5.0
CLOSE_SECONDS = 120.0


class Helper:
    """Costs nothing while nobody looks."""

    unwatched_after = 15.0  # seconds; if nobody has looked for this long, the process ends

    def __init__(self, start: Callable[[Callable[[str], None]], Child]):
        self._start = start
        self._looked_at: dict[int | None, float] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def _look(self, number: int | None) -> None:
        """Somebody looks at this one, or at all of them."""
        with self._lock:
            self._looked_at[None] = self._looked_at[number] = time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def _next(self, now: float) -> int | None:
        """The one to ask about now."""
        raise NotImplementedError

    def _ask(self, child: Child, number: int, lines: queue.SimpleQueue) -> None:
        """Ask the process about it, and keep what it answers; its lines are in the queue."""
        raise NotImplementedError

    def _run(self) -> None:
        child, lines = self._begin()
        try:
            while self._is_watched():
                number = self._next(time.monotonic())
                if number is None:
                    time.sleep(LOOK_SECONDS)
                    continue
                self._ask(child, number, lines)
                if not child.running:
                    _end(child)
                    time.sleep(PAUSE_SECONDS)
                    child, lines = self._begin()
        finally:
            _end(child)

    def _begin(self) -> tuple[Child, queue.SimpleQueue]:
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        return self._start(lines.put), lines

    def close(self) -> None:
        """End the process, and wait for its end."""
        with self._lock:
            self._closed, thread = True, self._thread
        if thread:
            thread.join(CLOSE_SECONDS)

    def _is_watched(self) -> bool:
        with self._lock:
            unwatched = time.monotonic() - self._looked_at[None]
            if unwatched < self.unwatched_after and not self._closed:
                return True
            self._thread = None
            return False


def answers(child: Child, kind: str, number: int, lines: queue.SimpleQueue, seconds: float) -> Iterator[dict]:
    """Type the number, and give each answer: `{"lab": 1, ...}` if the kind is `lab`. If they are over because the
    process has ended or the time is up, it is killed."""
    give_up_at = time.monotonic() + seconds
    with contextlib.suppress(OSError):  # it has ended
        child.type(str(number))
        while child.running and time.monotonic() < give_up_at:
            try:
                answer = json.loads(lines.get(timeout=0.5))
            except (queue.Empty, ValueError):  # a line of librdkafka's log
                continue
            if isinstance(answer, dict) and answer.pop(kind, None) == number:
                yield answer
    if child.running:
        child.kill()


def _end(child: Child) -> None:
    """Close its input, which ends it; by force if it waits for a broker."""
    with contextlib.suppress(OSError):
        if child.process.stdin:
            child.process.stdin.close()
    child.end(END_SECONDS)
