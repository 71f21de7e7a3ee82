"""The five programs as processes: start them, end them, relay their lines."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from launcher import terminal
from plumbing.child import ask_to_stop, own_process_group
from settings import ROOT

STOP_SECONDS = 8.0  # a consumer leaves its group, the producer flushes


class Program:
    """One program with a name for people. `on_crash(program, exit_code)` is called when it ends by itself."""

    def __init__(self, name: str, command: list[str], port: int, environment: dict[str, str], on_crash: Callable):
        self.name = name
        self.command = [sys.executable, *command]
        self.port = port
        self.environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", **environment}
        self.on_crash = on_crash
        self.process: subprocess.Popen | None = None
        self._ending = False

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        self._ending = False
        self.process = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            **own_process_group(),
        )
        threading.Thread(target=self._relay, args=[self.process], daemon=True).start()

    def ask_to_stop(self) -> None:
        """What Ctrl+C does in a terminal of its own."""
        self._ending = True
        if self.process is not None:
            ask_to_stop(self.process)

    def stop(self) -> None:
        """Ask, wait, and end it by force when it does not listen."""
        stop_all([self])

    def kill(self) -> None:
        """End it without a word, as a crash would (`kill -9`)."""
        self._ending = True
        if self.running:
            self.process.kill()
            self.process.wait()

    def _relay(self, process: subprocess.Popen) -> None:
        with process.stdout:
            for line in process.stdout:
                if line.strip():
                    terminal.relay(self.name, line.rstrip())
        code = process.wait()
        if not self._ending:
            self.on_crash(self, code)


def stop_all(programs: list[Program]) -> None:
    """Ask all to stop, and end by force those that have not when `STOP_SECONDS` are over."""
    for program in programs:
        program.ask_to_stop()
    deadline = time.monotonic() + STOP_SECONDS
    for program in programs:
        if program.process is not None:
            try:
                program.process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                program.kill()
