"""Programs that another one starts: run.py the five, the tests and the bench theirs, the local broker its Java."""

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import settings
from settings import ROOT

# For a program without input, whose lines and errors are read together.
ONE_OUTPUT: dict[str, Any] = {
    "stdin": subprocess.DEVNULL,
    "stdout": subprocess.PIPE,
    "stderr": subprocess.STDOUT,
    "text": True,
    "encoding": "utf-8",
    "errors": "replace",
}
started: list[Callable[[int], None]] = []  # called with the pid of each program that is started
LEAVE_SECONDS = 10.0  # how long a program may take to end after a Ctrl+C: it may have a group to leave
READ_SECONDS = 10.0  # how long to read the last lines of a program that has ended: its own child may hold them back


def call(command: list[str], **options) -> int:
    """Run the program in this terminal; returns its exit code.

    subprocess.call would kill it a quarter of a second after a Ctrl+C: before a consumer has left its group, or while
    the broker is still suspended.
    """
    with subprocess.Popen(command, **options) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the program has received it as well
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LEAVE_SECONDS)
            raise
        finally:
            if process.poll() is None:
                process.kill()


class Child:
    """A program in its own process."""

    def __init__(
        self,
        *command: str,  # its words; the first is the executable
        on_line: Callable[[str], None] = print,  # called, in a thread, for each line that it writes
        cwd: Path = ROOT,
        environment: dict[str, str] | None = None,  # variables in addition to those of this process
        log: Path | None = None,  # a file to which its lines are appended instead
        reads: bool = False,  # True if it has an input, for type(); otherwise its input is empty
        late: bool = False,  # True if a Ctrl+C waits until its StopSignal can deal with it
        holds: BinaryIO | None = None,  # a locked file, which it keeps locked until it ends; not on Windows
    ):
        output: Any = log.open("ab") if log else contextlib.nullcontext(subprocess.PIPE)
        with output as output, put_off_ctrl_c() if late else contextlib.nullcontext():
            self.process = subprocess.Popen(
                command,
                cwd=cwd,
                env=settings.environment(**{"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", **(environment or {})}),
                **ONE_OUTPUT | {"stdin": subprocess.PIPE if reads else subprocess.DEVNULL, "stdout": output},
                **own_process_group(),
                pass_fds=[holds.fileno()] if holds and os.name == "posix" else (),
            )
        for tell in started:
            tell(self.process.pid)
        self._on_line = on_line
        self._reader = threading.Thread(target=self._read, daemon=True)
        if not log:
            self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                self._on_line(line.rstrip())

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def type(self, line: str) -> None:
        assert self.process.stdin is not None  # `reads`
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def ask_to_stop(self) -> None:
        """Do what Ctrl+C does in its terminal."""
        if self.running:
            interrupt(self.process.pid)

    def wait(self, seconds: float | None = None) -> int:
        """The exit code, once the program has ended and its lines are read. Raises subprocess.TimeoutExpired."""
        code = self.process.wait(seconds)
        if self._reader.ident:
            self._reader.join(READ_SECONDS)
        if self.process.stdin:
            with contextlib.suppress(OSError):  # what was typed last was not read
                self.process.stdin.close()
        return code

    def end(self, seconds: float) -> None:
        """Wait for its end so many seconds, then end it by force."""
        try:
            self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self, seconds: float | None = None) -> int:
        """End it at once, as a crash would (`kill -9`)."""
        self.process.kill()
        return self.wait(seconds)


@contextlib.contextmanager
def put_off_ctrl_c() -> Iterator[None]:
    """A program that is started in this block gets no SIGINT before it asks for it: while Python starts and imports,
    it would print a traceback. (Windows ends such a program without one.)"""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def interrupt(pid: int) -> None:
    """Do what Ctrl+C does in a terminal, for a process in its `own_process_group()`."""
    if os.name == "nt":
        # os.kill would do the same, but it ends the process at once where the event cannot be sent.
        ctypes.WinDLL("kernel32").GenerateConsoleCtrlEvent(signal.CTRL_BREAK_EVENT, pid)  # type: ignore[attr-defined]
    else:
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            os.kill(pid, signal.SIGINT)


def own_process_group() -> dict:
    """Arguments of `Popen` that keep a Ctrl+C in our terminal away from the process: we end it, in order."""
    if os.name == "nt":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined]
    return {"start_new_session": True}
