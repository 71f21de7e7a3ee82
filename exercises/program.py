"""The learner's program, while it runs: how far it has read, what it has printed, kill -9 and Ctrl+C."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import psutil

from plumbing.child import Child

END_SECONDS = 5.0  # that a program may take to end after Ctrl+C
TRACEBACK = "Traceback (most recent call last):"
MOST_LINES, NEWEST_LINES = 1000, 100  # that are kept, of the first and of the last: it may print for ever


class Program(Child):
    """The learner's program, while it runs."""

    def __init__(self, file: Path, places: Path):
        self.lines: list[str] = []
        self.newest: deque[str] = deque(maxlen=NEWEST_LINES)
        self._file, self._places = file, places
        self._ended = False
        super().__init__(sys.executable, "-m", "exercises.child", str(file), on_line=self._keep, reads=True, late=True)

    def _keep(self, line: str) -> None:
        self.newest.append(line)
        if len(self.lines) < MOST_LINES:
            self.lines.append(line)

    def begin(self, wanted: dict) -> None:
        """Until now it has only started Python, which takes longer than all that follows."""
        self.began = time.monotonic()
        self.type(json.dumps(wanted | {"places": str(self._places), "pid": os.getpid()}))

    @property
    def places(self) -> dict[int, int]:
        """Partition -> the offset after the last record that it was given."""
        return {int(number): offset for number, offset in self._told().get("next", {}).items()}

    @property
    def records(self) -> int:
        """How many records it was given."""
        return self._told().get("records", 0)

    @property
    def silences(self) -> int:
        """How often it was given none."""
        return self._told().get("silences", 0)

    @property
    def transactional_ids(self) -> list[str]:
        """That of its last producer with one, as the broker knows it."""
        return self._told().get("transactional", [])

    @property
    def overruled(self) -> list[str]:
        """The judge's defaults that its own settings have replaced."""
        return self._told().get("overruled", [])

    def _told(self) -> dict:
        try:
            return json.loads(self._places.read_text())
        except (OSError, ValueError):  # not yet; it is just being written
            return {}

    def kill(self, seconds: float | None = END_SECONDS) -> int:
        """With what it has started, also when it has ended itself."""
        if self._ended:  # its number may now be that of another process or group
            return self.wait(seconds)
        self._ended = True
        below = []
        with contextlib.suppress(psutil.Error):
            below = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        for one in below:
            with contextlib.suppress(psutil.Error):
                one.kill()
        if hasattr(os, "killpg"):  # those whose parent has ended are still in its group
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        return self.wait(seconds)

    def interrupt(self, seconds: float = END_SECONDS) -> int | None:
        """Ctrl+C; its exit code, None if it kept running and had to be killed."""
        self.ask_to_stop()
        try:
            code: int | None = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        self.kill()  # and what it has left running
        return code

    def interrupt_at_next_read(self) -> None:
        """Ctrl+C just as poll() returns the next record."""
        self._places.with_name(f"{self._places.name}.interrupt").touch()

    @property
    def last_words(self) -> str:
        """Its last line, and where in the learner's file an exception was raised."""
        lines = list(self.newest)
        places = [line.strip() for line in lines if line.strip().startswith(f'File "{self._file}", line ')]
        where = places[-1].rpartition("line ")[2].partition(",")[0] if places else ""
        last = next((line for line in reversed(lines) if line.strip()), "it printed nothing")
        return f"{last}{f' (line {where})' if where else ''}"
