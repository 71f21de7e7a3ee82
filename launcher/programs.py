"""The programs of a session: start them, end them, relay their lines to the terminal."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable

from launcher import terminal
from plumbing.child import Child

STOP_SECONDS = 8.0  # a consumer leaves its group, the producer answers its last requests


class Program:
    """One of the programs, by its name. `on_crash(program, exit_code)` is called if it ends unexpectedly."""

    def __init__(self, name: str, command: list[str], port: int, environment: dict[str, str], on_crash: Callable):
        self.spoke = False  # whether it has printed anything since its start
        self.name = name
        self.command = [sys.executable, *command]
        self.port = port
        self.environment = environment
        self.on_crash = on_crash
        self._child: Child | None = None
        self._ending = False

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    @property
    def pid(self) -> int | None:
        return self._child and self._child.process.pid

    def start(self) -> None:
        self._ending = self.spoke = False
        ours = self.command[1].endswith(".py")  # it has a StopSignal
        self._child = Child(*self.command, on_line=self._relay, environment=self.environment, late=ours)
        threading.Thread(target=self._watch, args=[self._child], daemon=True).start()

    @property
    def exit_code(self) -> int | None:
        return self._child and self._child.process.poll()

    def ask_to_stop(self) -> None:
        """What Ctrl+C does in a terminal of its own."""
        self._ending = True
        if self._child is not None:
            self._child.ask_to_stop()

    def wait(self, seconds: float) -> None:
        """Wait for its end; end it by force if that takes longer."""
        if self._child is not None:
            try:
                self._child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()

    def stop(self) -> None:
        """Ask, wait, and end it by force if it does not react."""
        stop_all([self])

    def kill(self) -> None:
        """End it at once, as a crash would (`kill -9`)."""
        self._ending = True
        if self.running:
            self._child.kill()

    def _relay(self, line: str) -> None:
        if line:
            self.spoke = True
            terminal.relay(self.name, line)

    def _watch(self, child: Child) -> None:
        code = child.wait()
        if not self._ending:
            self.on_crash(self, code)


def stop_all(programs: list[Program]) -> None:
    """Ask all to stop, and end by force those that have not stopped after `STOP_SECONDS`."""
    for program in programs:
        program.ask_to_stop()
    deadline = time.monotonic() + STOP_SECONDS
    for program in programs:
        program.wait(max(deadline - time.monotonic(), 0.1))
