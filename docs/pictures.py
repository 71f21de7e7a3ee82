"""Make the pictures of the README anew, from the running system (Linux and macOS):

    python run.py test --collect-only -q        installs what is needed
    .venv/bin/python docs/pictures.py

It needs Chromium (or Chrome), or the browser of `.venv/bin/playwright install chromium`.
"""

import contextlib
import io
import os
import pty
import subprocess
import sys
import threading
import time
from pathlib import Path

from playwright.sync_api import Page
from rich.console import Console
from rich.text import Text

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.browser import chromium

DOCS = Path(__file__).resolve().parent
PAGE = "http://localhost:8501"
COLUMNS, LINES = 110, 40
SECONDS = 180.0
TERMINAL = 'body { margin: 0 } svg { display: block } text { font-family: "DejaVu Sans Mono", monospace !important }'


class Terminal:
    """`python run.py` in a terminal of its own."""

    def __init__(self):
        self.screen = ""
        ours, theirs = pty.openpty()
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(LINES)}
        command = [sys.executable, str(DOCS.parent / "run.py")]
        self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
        os.close(theirs)
        self.ours = ours
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # it has ended
            while chunk := os.read(self.ours, 4096):
                self.screen += chunk.decode(errors="replace")

    def type(self, line: str) -> None:
        os.write(self.ours, f"{line}\n".encode())

    def wait_for(self, text: str, times: int = 1) -> None:
        deadline = time.monotonic() + SECONDS
        while self.screen.count(text) < times:
            if time.monotonic() > deadline or self.process.poll() is not None:
                sys.exit(f"{text!r} was not seen {times} times:\n{self.screen}")
            time.sleep(0.1)

    def svg(self) -> str:
        """What the screen shows, without the lines of progress, which the next line replaced."""
        lines = [line.split("\r\x1b[K")[-1].rstrip("\r") for line in self.screen.split("\n")]
        console = Console(record=True, width=COLUMNS, file=io.StringIO())
        for line in lines:
            console.print(Text.from_ansi(line), soft_wrap=True)
        return console.export_svg(title="python run.py")


def click_like(page: Page, likes: range) -> None:
    for order in likes:
        page.get_by_role("button", name="Like").click()
        page.get_by_text(f"Like {order}", exact=True).wait_for()


def main() -> None:
    """Six likes, consumer 1 stopped and started again: docs/page.png, page-dark.png, terminal.png."""
    terminal = Terminal()
    try:
        terminal.wait_for("open this, click Like")
        with chromium() as browser:
            for theme, likes in (("light", range(1, 7)), ("dark", range(7, 10))):
                page = browser.new_page(color_scheme=theme, viewport={"width": 1280, "height": 800})
                page.goto(PAGE)
                click_like(page, likes)
                terminal.wait_for("Consumed: order", times=likes.stop - 1)
                page.wait_for_timeout(2500)  # the page asks the consumers once a second
                page.screenshot(path=DOCS / ("page.png" if theme == "light" else "page-dark.png"))
                page.set_viewport_size({"width": 400, "height": 900})
                page.wait_for_timeout(500)
                page.screenshot(path=DOCS / f"page-{theme}-narrow.png")
                page.close()
            terminal.type("stop 1")
            terminal.wait_for("Assigned: partitions=[0, 1]", times=1)
            terminal.type("like 3")
            terminal.wait_for("Consumed: order", times=12)
            terminal.type("start 1")
            terminal.wait_for("Assigned: partitions=[0]\r", times=2)
            page = browser.new_page(viewport={"width": 1100, "height": 300})
            page.set_content(f"<style>{TERMINAL}</style>{terminal.svg()}")
            page.locator("svg").screenshot(path=DOCS / "terminal.png")
    finally:
        terminal.process.terminate()
        terminal.process.wait()


if __name__ == "__main__":
    main()
