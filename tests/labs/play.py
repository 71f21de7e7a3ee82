"""A lab, played from its page: each command is run, and what the page shows must appear."""

import contextlib
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from labs import checks
from tests.pages import LEFT_OPEN, Step, as_pattern, found, run_in_shell, steps, wait_for_shown
from tests.programs import PATIENCE, Program, expect_no_traceback

PAGES = checks.pages()
LEFT_OPEN_IN_LABS = LEFT_OPEN + [  # earlier labs change these; `...` on a page stands for anything
    (r"\b(order|offset)=\d+", r"\1=\\d+"),
    (r"\b\d+\\\.\d+(?=\\s\+s\b)", r"\\d+\\.\\d+"),
    (r"\\\.\\\.\\\.", ".*"),
]
# What these tests have started.
SESSIONS = ("python run.py --brokers 3", "python run.py --broker secured", "python run.py --kafka 4")
SERVER = "python run.py registry"
LOOK_SECONDS = 60
# Commands that change nothing: if they come too early, they are repeated.
LOOKS = ("curl ", "python run.py check", "python run.py kafka-console-consumer")


def play(page: Path, session: Program, folder: Path) -> None:
    """Type and run the commands of the page; fails if something that it shows does not appear."""
    with ThreadPoolExecutor(1) as second_terminal, contextlib.ExitStack() as third_terminal:
        running = None
        for step in steps(page):
            if step.commands[0] in SESSIONS:
                continue
            if step.commands == [SERVER]:
                third_terminal.close()  # ends the one before, with Ctrl+C
                third_terminal.enter_context(served(step, folder))
                continue
            if step.meanwhile:
                running = second_terminal.submit(missing, step, folder)
                continue
            play_step(step, session, folder)
            if running:
                problem, running = running.result(), None
                assert not problem, problem


@contextlib.contextmanager
def served(step: Step, folder: Path):
    """The server of this step, ready; at the end, Ctrl+C in its terminal."""
    with_this_python = [sys.executable, *step.commands[0].split()[1:]]
    server = Program(*with_this_python, cwd=folder)
    try:
        wait_for_shown(step, server, 0, LEFT_OPEN_IN_LABS)
        yield
        assert server.interrupt() == 0, "\n".join(server.lines)
        expect_no_traceback(server.lines)
    finally:
        server.kill()


def play_step(step: Step, session: Program, folder: Path) -> None:
    before = len(session.lines)
    if step.kind == "run":
        for line in step.commands:
            session.type(line)
        wait_for_shown(step, session, before, LEFT_OPEN_IN_LABS)
        return
    patience = LOOK_SECONDS if all(command.startswith(LOOKS) for command in step.commands) else 0
    give_up_at = time.monotonic() + patience
    while problem := missing(step, folder):
        assert time.monotonic() < give_up_at, problem


def missing(step: Step, folder: Path) -> str:
    """Run the commands; returns the first line that they do not print, with their output."""
    environment = {**os.environ, "HTTP_PROXY": "http://127.0.0.1:9"}  # is for the world outside
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = [run_in_shell(command, folder, environment) for command in step.commands]
    if failed := next((one for one in done if one.returncode), None):
        return f"{failed.args}\n{failed.stdout}{failed.stderr}"
    output = [line for one in done for line in one.stdout.splitlines()]
    lines = (line for line in step.shown if not found(as_pattern(line, LEFT_OPEN_IN_LABS), output))
    return "\n".join([f"not shown: {line}", *output]) if (line := next(lines, None)) else ""


def check(number: int | str, folder: Path) -> subprocess.CompletedProcess:
    """`python run.py check` of one lab, or of all if the number is empty."""
    command = [sys.executable, "run.py", "check", *str(number).split()]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=PATIENCE)
