"""The last lines of an output, by number, so that readers can ask for new ones."""

import threading
from collections import deque

LINES_KEPT = 5000
LINES_AT_ONCE = 500


class Transcript:
    """Any thread may add lines and read them."""

    def __init__(self):
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)
        self._next = 0
        self._lock = threading.Lock()

    @property
    def next(self) -> int:
        """The number of the next line; the first one was 0."""
        return self._next

    def add(self, text: str) -> None:
        with self._lock:
            for line in text.split("\n"):
                self._lines.append(line)
                self._next += 1

    def since(self, number: int) -> tuple[list[str], int]:
        """At most `LINES_AT_ONCE` of the lines kept, from this one on, and the number to ask for next."""
        with self._lock:
            first = max(number, self._next - len(self._lines))
            skipped = first - (self._next - len(self._lines))
            lines = list(self._lines)[skipped : skipped + LINES_AT_ONCE] if number < self._next else []
            return lines, first + len(lines) if lines else self._next
