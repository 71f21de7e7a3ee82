"""One terminal for all programs: lines with names, colours, progress."""

import contextlib
import io
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from plumbing import output
from plumbing.plain import plain, plain_lines
from settings import DUMB_TERMINAL, NO_COLOR

NAME_WIDTH = 11
UPDATE_SECONDS = 0.5  # how often a progress line changes; ten times slower if it is not a terminal
# Okabe and Ito's colours, which colour-blind people can tell apart, as in page/lanes.py.
COLOURS = {"consumer-1": 32, "consumer-2": 208, "consumer-3": 36, "producer": 175, "page": 245}

listeners: list[Callable[[str], None]] = []  # called with every line, without colours
_lock = threading.Lock()
_transient = ""  # the progress line that the next line replaces


def is_interactive() -> bool:
    """True for a terminal in which lines can be replaced."""
    return sys.stdout.isatty() and not DUMB_TERMINAL


def colourful() -> bool:
    """Colours for a terminal, unless NO_COLOR is set (https://no-color.org)."""
    return is_interactive() and not NO_COLOR


def in_foreground() -> bool:
    """True if this process gets what is typed: not after `python run.py &`, or Ctrl+Z and bg. Also true if the input is
    not a terminal."""
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (AttributeError, OSError, ValueError):  # Windows; a pipe; IDLE
        return True


def prepare() -> None:
    """UTF-8 lines on any system, escape sequences in the Windows console, output that never blocks."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:  # closed, as by `python run.py >&-`: opened, so that no socket gets its number
            nothing = Path(os.devnull).open("w" if number else "r", encoding="utf-8")  # noqa: SIM115
            setattr(sys, name, nothing)
        if isinstance(stream := getattr(sys, name), io.TextIOWrapper):  # IDLE has its own streams
            stream.reconfigure(encoding="utf-8", errors="replace")
    sys.stderr.flush()
    sys.stdout = output.of_this_program()
    if os.name == "nt" and is_interactive():
        os.system("")  # turns on virtual terminal processing on Windows


def say(name: str, text: str) -> None:
    """A line from the launcher: `  kafka       Apache Kafka 3.7.2 on localhost:9092`."""
    write(f"  {name:<{NAME_WIDTH}} {plain(text)}")


def relay(name: str, line: str) -> None:
    """A line from a program: `producer   | Delivered: order=1 partition=0 offset=0`."""
    colour = COLOURS.get(name)
    prefix = shown = f"{name:<{NAME_WIDTH - 1}} |"
    if colour and colourful():
        shown = f"\x1b[38;5;{colour}m{prefix}\x1b[0m"
    _write(f"{shown} {plain(line)}", f"{prefix} {plain(line)}")


def complain(what: str, hint: str = "") -> None:
    """Say what happened, and what to type next."""
    red, end = ("\x1b[31m", "\x1b[0m") if colourful() else ("", "")
    what, following = plain_lines(what), f"\n  -> {plain_lines(hint)}" if hint else ""
    _write(f"{red}{what}{end}{following}", f"{what}{following}")


def write(text: str) -> None:
    """Plain lines, without escape sequences from elsewhere."""
    _write(plain_lines(text))


def _write(text: str, colourless: str = "") -> None:
    global _transient
    for listener in listeners:
        listener(colourless or text)
    with _lock, contextlib.suppress(OSError, ValueError):  # the terminal is gone
        clear = "\r\x1b[K" if _transient else ""
        _transient = ""
        sys.stdout.write(f"{clear}{text}\n")


@contextlib.contextmanager
def progress(name: str, text: str) -> Iterator:
    """While the block runs, show what it does and for how long; it gets a function that changes the text."""
    global _transient
    current = [text]
    done = threading.Event()
    started = time.monotonic()

    def show() -> None:
        global _transient
        pause = UPDATE_SECONDS if is_interactive() else 10 * UPDATE_SECONDS
        while not done.wait(pause):
            line = f"  {name:<{NAME_WIDTH}} {plain(current[0])} ... {time.monotonic() - started:.0f} s"
            if not is_interactive():
                write(line)
                continue
            with _lock, contextlib.suppress(OSError, ValueError):
                if not done.is_set():
                    columns = os.get_terminal_size(sys.stdout.fileno()).columns
                    sys.stdout.write(f"\r\x1b[K{line[: columns - 1]}")
                    sys.stdout.flush()
                    _transient = line

    shower = threading.Thread(target=show, daemon=True)
    shower.start()
    try:
        yield lambda text: current.__setitem__(0, text)
    finally:
        done.set()
        shower.join()
        with _lock, contextlib.suppress(OSError, ValueError):
            if _transient:
                sys.stdout.write("\r\x1b[K")
                sys.stdout.flush()
                _transient = ""
