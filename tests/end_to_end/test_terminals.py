"""run.py in terminals that are closed, left unread or in the background, and run.py killed."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading

import psutil
import pytest
import requests

from launcher import guard
from tests.end_to_end.conftest import READY, new_session, nothing_is_left, run_py
from tests.programs import PATIENCE, answers, wait_until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs the signals and terminals of Linux or macOS")

BURST = "http://127.0.0.1:5001/likes"
LIKES = 12_000  # more lines than pipes, terminals and plumbing/output.py hold
IN_A_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """A terminal with this command. Its output stays unread until read()."""

    def __init__(self, *command: str, cwd):
        import pty

        self.end, other = pty.openpty()
        command = [sys.executable, "-c", IN_A_TERMINAL, *command]
        streams = {"stdin": other, "stdout": other, "stderr": other}
        self.process = subprocess.Popen(command, cwd=cwd, start_new_session=True, **streams)
        os.close(other)
        self.text = ""

    def read(self) -> "Terminal":
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the last program in it has ended
            while data := os.read(self.end, 65536):
                self.text += data.decode(errors="replace")

    def wait_for(self, pattern: str) -> re.Match:
        return wait_until(lambda: re.search(pattern, self.text), pattern, 180, self.text.splitlines())

    def type(self, line: str) -> None:
        os.write(self.end, f"{line}\n".encode())

    def close(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in [*psutil.Process(self.process.pid).children(recursive=True), self.process]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self.process.wait()
        os.close(self.end)


@pytest.fixture
def terminal(copy):
    opened = []

    def open_terminal(*command: str) -> Terminal:
        opened.append(Terminal(*command, cwd=copy))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.close()
    wait_until(nothing_is_left, "the end of all programs")


RUN_PY = (sys.executable, "run.py", "--broker", "local")


def consumed() -> int:
    statuses = [requests.get(f"http://127.0.0.1:{port}/status", timeout=PATIENCE).json() for port in (5002, 5003, 5004)]
    return sum(status["consumed"] for status in statuses)


def likes_are_consumed() -> None:
    before = consumed()
    assert requests.post(BURST, json={"count": LIKES}, timeout=PATIENCE).status_code == 201
    wait_until(lambda: consumed() >= before + LIKES, "all likes")


def is_ready() -> bool:
    return all(answers(f"http://127.0.0.1:{port}/health") for port in (5001, 5002, 5003, 5004))


@pytest.mark.slow
def test_a_terminal_that_nobody_reads_stops_neither_the_programs_nor_the_end(terminal, copy):
    unread = terminal(*RUN_PY)
    wait_until(is_ready, "the programs", 180)
    likes_are_consumed()
    second = run_py(copy)  # is told where the first one is
    assert second.wait() == 1
    second.kill()
    assert re.search(rf"type quit in its terminal, /dev/\S+ \(pid {unread.process.pid}\)", second.lines[1])
    unread.process.send_signal(signal.SIGTERM)
    assert unread.process.wait(PATIENCE) == 0
    assert nothing_is_left()


@pytest.mark.slow
def test_a_stopped_run_py_stops_no_program_and_a_killed_one_takes_its_programs_along(copy):
    with new_session(copy, "--broker", "local") as session:
        session.process.send_signal(signal.SIGSTOP)
        try:
            likes_are_consumed()
        finally:
            session.process.send_signal(signal.SIGCONT)
        session.wait_for("lines are missing here: nobody read this output")
        session.process.kill()
        wait_until(nothing_is_left, "the end of all programs")


def test_it_keeps_running_in_the_background_and_takes_commands_again_in_the_foreground(terminal):
    shell = terminal("bash", "--norc", "-i").read()
    shell.type(" ".join(RUN_PY) + " &")
    shell.wait_for(READY)
    wait_until(is_ready, "the programs")
    shell.type("jobs; fg")
    shell.wait_for(r"\[1\]\+? +Running")
    shell.type("status")
    shell.wait_for(r"consumer-3 +5004  pid \d+  partitions \[2\]")
    os.write(shell.end, b"\x1a")  # Ctrl+Z
    shell.wait_for(r"\[1\]\+? +Stopped")
    shell.type("bg")
    likes_are_consumed()
    shell.type("jobs; fg")
    shell.type("quit")
    shell.wait_for("everything that was started here has ended")


@pytest.mark.slow
def test_nohup_outlives_its_terminal(terminal, copy):
    (copy / "nohup.out").unlink(missing_ok=True)
    shell = terminal("nohup", *RUN_PY).read()
    wait_until(is_ready, "the programs", 180)
    shell.process.send_signal(signal.SIGHUP)
    likes_are_consumed()
    assert shell.process.poll() is None
    shell.process.send_signal(signal.SIGTERM)
    assert shell.process.wait(PATIENCE) == 0
    (copy / "nohup.out").unlink()


@pytest.mark.slow
def test_what_a_killed_run_py_and_its_guard_have_left_is_named_by_its_ports(copy):
    """With what ends it; and `clean` does not wipe the folder of the broker among it."""
    with new_session(copy, "--broker", "local") as session:
        run_py = psutil.Process(session.process.pid)
        (its_guard,) = [child for child in run_py.children() if guard.MODULE in child.cmdline()]
        left = [child for child in run_py.children(recursive=True) if child != its_guard]
        for process in (its_guard, run_py):
            process.kill()
        run_py.wait()
        try:
            for arguments, said in (
                ((), r"port 5001 .+ is taken by .+\n  -> end it \(kill \d+\)"),
                (("clean",), "works in"),
            ):
                command = [sys.executable, "run.py", *arguments]
                done = subprocess.run(command, cwd=copy, capture_output=True, text=True)
                assert re.search(said, done.stdout), done.stdout
        finally:
            guard.end(left)
        assert nothing_is_left()
