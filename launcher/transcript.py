"""The last lines of an output, by number, so that readers can ask for new ones."""

import threading
from collections import deque

LINES_KEPT = 5000
LINES_AT_ONCE = 500


class Transcript:
    """Any thread may add lines and read them."""

    def __init__(self):
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)
        self.next = 0  # the number of the next line; the first one was 0
        self._lock = threading.Lock()

    def add(self, text: str) -> None:
        with self._lock:
            for line in text.split("\n"):
                self._lines.append(line)
                self.next += 1

    def since(self, number: int) -> tuple[list[str], int]:
        """At most `LINES_AT_ONCE` of the lines kept, from this one on, and the number to ask for next."""
        with self._lock:
            oldest = self.next - len(self._lines)
            first = max(number, oldest)
            lines = list(self._lines)[first - oldest :][:LINES_AT_ONCE]
            return lines, first + len(lines) if lines else self.next
