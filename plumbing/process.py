"""A program's log lines, and its end: Ctrl+C, SIGTERM and a closed window are one request to stop."""

import ctypes
import logging
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

from plumbing import output
from plumbing.plain import plain


def log_to_stdout() -> None:
    """One plain line for each message. A reader that hangs does not hang the program."""
    handler = logging.StreamHandler(output.of_this_program())
    handler.setFormatter(_Line())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # The lines show no thread, process or place in the code, and finding these out costs a fifth of the time
    # that it takes to read an event (https://docs.python.org/3/howto/logging.html#optimization).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.logAsyncioTasks = False  # type: ignore[attr-defined]
    logging._srcfile = None


class _Line(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:
        return plain(record.message)


class StopSignal:
    """Notices the request to stop while its block runs; no exception interrupts what the program is doing.

    with StopSignal() as stop:
        while not stop.requested:
            ...
    """

    def __init__(self):
        self.requested = False
        self._waiting = False
        self._finished = threading.Event()

    def __enter__(self) -> "StopSignal":
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._request)
        if hasattr(signal, "pthread_sigmask"):  # see child.put_off_ctrl_c
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        if os.name == "nt":
            kind = ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint)  # type: ignore[attr-defined]
            self._on_close = kind(self._close)  # kept, because Windows calls it
            ctypes.windll.kernel32.SetConsoleCtrlHandler(self._on_close, 1)  # type: ignore[attr-defined]
        return self

    def __exit__(self, *_exception) -> None:
        self._finished.set()

    def interruptible(self, wait: Callable, *arguments):
        """What `wait(*arguments)` returns; None as soon as the request to stop comes. `wait` is a function in C; a
        callback of it is not interrupted."""
        try:
            self._waiting = True
            if not self.requested:
                return wait(*arguments)
        except KeyboardInterrupt:
            pass
        finally:
            self._waiting = False
        return None

    def _request(self, _signal: int, frame: FrameType | None) -> None:
        self.requested = True
        # Not in a callback such as on_assign: the C code that it calls may not be able to deal with the exception.
        if self._waiting and frame and frame.f_code is StopSignal.interruptible.__code__:
            self._waiting = False
            raise KeyboardInterrupt

    def _close(self, event: int) -> int:
        """Windows ends a program whose window was closed as soon as this returns, and after 5 s at the latest."""
        if event not in (2, 5, 6):  # CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT
            return 0
        self.requested = True
        self._finished.wait(4.5)
        return 1
