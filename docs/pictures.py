"""Take the pictures of the README and docs/ again, from the running system (Linux and macOS):

    python run.py test tests/end_to_end/test_page.py tests/end_to_end/test_page_labs.py     screenshots in test-results/
    .venv/bin/python docs/pictures.py                copies them to docs/, and takes those of terminals

It needs Chromium (or Chrome), or the browser of `.venv/bin/playwright install chromium`.
"""

import contextlib
import io
import os
import pty
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from exercises import exercises, mine
from plumbing.waiting import wait_until
from tests.browser import chromium

DOCS = Path(__file__).resolve().parent
PAGES = ["page.png", "killed.png", "lab-1.png"]
COLUMNS, LINES = 126, 40
SECONDS = 180.0
TERMINAL = 'body { margin: 0 } svg { display: block } text { font-family: "DejaVu Sans Mono", monospace !important }'


class Terminal:
    """`python run.py` with these words, in a terminal of its own."""

    def __init__(self, *words: str):
        self.title = " ".join(["python run.py", *words])
        self.screen = ""
        self.master, slave = pty.openpty()
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(LINES)}
        command = [sys.executable, str(DOCS.parent / "run.py"), *words]
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
        os.close(slave)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # it has ended
            while chunk := os.read(self.master, 4096):
                self.screen += chunk.decode(errors="replace")

    def type(self, line: str) -> None:
        os.write(self.master, f"{line}\n".encode())

    def wait_for(self, text: str, times: int = 1) -> None:
        appeared = lambda: self.screen.count(text) >= times  # noqa: E731
        wait_until(lambda: appeared() or self.process.poll() is not None, SECONDS)
        if not appeared():
            sys.exit(f"{text!r} did not appear {times} times:\n{self.screen}")

    def picture(self, name: str) -> None:
        """What the screen shows, without the lines of progress, which later lines have replaced."""
        lines = [line.split("\r\x1b[K")[-1].rstrip("\r") for line in self.screen.split("\n")]
        console = Console(record=True, width=COLUMNS, file=io.StringIO())
        for line in lines:
            console.print(Text.from_ansi(line), soft_wrap=True)
        with chromium(viewport={"width": 1250, "height": 300}) as browser:
            page = browser.new_page()
            page.set_content(f"<style>{TERMINAL}</style>{console.export_svg(title=self.title)}")
            page.locator("svg").screenshot(path=DOCS / name)

    def end(self) -> None:
        self.process.terminate()
        self.process.wait()


def write_an_exercise() -> None:
    """Exercise 8 as it is at the start, then with its solution: docs/exercise.png."""
    exercise = exercises()[8]
    mine.reset(exercise)
    terminal = Terminal("exercise", "8")
    try:
        terminal.wait_for(" reached, ")
        mine.file_of(exercise).write_text(exercise.solution, encoding="utf-8")
        terminal.wait_for(" reached, ", times=2)
        time.sleep(1)
        terminal.picture("exercise.png")
    finally:
        terminal.end()


def main() -> None:
    """Six likes, consumer 1 stopped and started again: docs/terminal.png; and the page as in its tests."""
    for name in PAGES:
        shutil.copy(DOCS.parent / "test-results" / name, DOCS / name)
    terminal = Terminal()
    try:
        terminal.wait_for("open this, click Like")
        for likes in range(1, 7):
            terminal.type("like")
            terminal.wait_for("Consumed: order", times=likes)
        terminal.type("stop 1")
        terminal.wait_for("Assigned: partitions=[0, 1]", times=terminal.screen.count("Assigned: partitions=[0, 1]") + 1)
        terminal.type("like 3")
        terminal.wait_for("Consumed: order", times=9)
        terminal.type("start 1")
        terminal.wait_for("Assigned: partitions=[0]\r", times=terminal.screen.count("Assigned: partitions=[0]\r") + 1)
        time.sleep(1)
        terminal.picture("terminal.png")
        write_an_exercise()
    finally:
        terminal.end()


if __name__ == "__main__":
    main()
