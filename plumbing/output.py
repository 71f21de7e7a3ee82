"""A program's standard output that can be left unread: in a terminal after Ctrl+S, in a pipe whose reader hangs.

A plain write() would then block, and with it the program, for as long as that lasts.
"""

import atexit
import io
import os
import stat
import sys
import threading
from collections import deque

PATIENCE_SECONDS = 1.0  # without a line written, the reader counts as gone
LINES_KEPT = 1000  # for when it comes back


class Output(io.TextIOBase):
    """Writes to `stream`, waiting as long as somebody reads. While nobody does, the first lines are kept and the
    following ones dropped; a line says how many."""

    def __init__(self, stream):
        self._stream = stream
        self._raw = getattr(getattr(stream, "buffer", None), "raw", None)  # has no lock that a blocked write would hold
        self._is_file = _kind(stream) == stat.S_IFREG
        self._pipe = _poll_of_a_pipe(stream)
        self._changed = threading.Condition()
        self._waiting: deque[str] = deque()
        self._accepted = self._written = self._dropped = 0
        self._unread = False
        self._writer: threading.Thread | None = None
        stream.flush()
        atexit.register(self._finish)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        """Return once the text is written, or after `PATIENCE_SECONDS` without a reader."""
        with self._changed:
            if self._written == self._accepted and self._has_room(text):
                self._put(text)
            elif len(self._waiting) < LINES_KEPT:
                if self._dropped:
                    self._accept(self._say_how_many())
                self._accept(text)
                self._wait(self._accepted)
            else:
                self._dropped += 1
        return len(text)

    def _has_room(self, text: str) -> bool:
        """True if a file or a pipe takes this text at once: it then need not go through the other thread, which takes
        20 times as long (https://docs.python.org/3/library/select.html#select.PIPE_BUF)."""
        if not self._pipe:
            return self._is_file
        poll, size = self._pipe
        return 4 * len(text) <= size and bool(poll.poll(0))

    def _accept(self, text: str) -> None:
        self._waiting.append(text)
        self._accepted += 1
        if self._writer is None:
            self._writer = threading.Thread(target=self._write_waiting, daemon=True)
            self._writer.start()
        self._changed.notify_all()

    def _wait(self, number: int) -> None:
        """Wait until so many texts are written, or nobody reads."""
        while self._written < number and not self._unread:
            before = self._written
            self._unread = not self._changed.wait_for(
                lambda n=before: self._written > n,  # type: ignore[misc]
                PATIENCE_SECONDS,
            )

    def _write_waiting(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                text = self._waiting[0]
            self._put(text)
            with self._changed:
                self._waiting.popleft()
                self._written += 1
                self._unread = False
                if self._dropped and not self._waiting:
                    self._accept(self._say_how_many())
                self._changed.notify_all()

    def _say_how_many(self) -> str:
        dropped, self._dropped = self._dropped, 0
        return f"[{dropped} lines are missing here: nobody read this output]\n"

    def _put(self, text: str) -> None:
        try:
            if self._raw is None:
                self._stream.write(text)
                self._stream.flush()
                return
            data = text.replace("\n", os.linesep).encode(self._stream.encoding, "replace")
            while data:
                data = data[self._raw.write(data) or 0 :]
        except (OSError, ValueError):
            pass  # the terminal or the reader of the pipe is gone for good

    def _finish(self) -> None:
        """At the end of the program: write what is kept, if somebody reads it now."""
        with self._changed:
            self._unread = False
            self._wait(self._accepted)


def of_this_program() -> Output:
    """sys.stdout, as an output that never blocks forever."""
    return sys.stdout if isinstance(sys.stdout, Output) else Output(sys.stdout)


def _kind(stream) -> int:
    """Its file type (https://docs.python.org/3/library/stat.html#stat.S_IFMT); 0 if it is no file of the system."""
    try:
        return stat.S_IFMT(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError, AttributeError):
        return 0


def _poll_of_a_pipe(stream):
    """If the stream is a pipe: what tells if it has room, and for how many bytes. None on Windows."""
    if os.name == "nt" or _kind(stream) != stat.S_IFIFO:
        return None
    import select

    poll = select.poll()
    poll.register(stream.fileno(), select.POLLOUT)
    return poll, select.PIPE_BUF
