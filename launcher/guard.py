"""What ends the programs of a run.py that was killed: a process beside it, `python -m launcher.guard PID`.

run.py writes the pid of each program that it starts into the guard's input. That input ends with run.py, however run.py
ends; then the guard ends what still runs, in order.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psutil

import settings
from launcher import terminal
from plumbing import child
from settings import ROOT

STOP_SECONDS = 10.0  # for the programs, and then for the brokers
MODULE = "launcher.guard"


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """While the block runs, a guard knows what this process starts."""
    streams: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [sys.executable, "-m", MODULE, str(os.getpid())]
    guard: Any = subprocess.Popen(command, cwd=ROOT, env=settings.environment(), **streams, **child.own_process_group())

    def tell(pid: int) -> None:
        with contextlib.suppress(OSError):  # somebody has ended the guard
            guard.stdin.write(b"%d\n" % pid)
            guard.stdin.flush()

    child.started.append(tell)
    try:
        yield
    finally:
        child.started.remove(tell)
        with contextlib.suppress(OSError):
            guard.stdin.close()
        guard.wait()


def finish() -> bool:
    """Wait for the guards of this folder whose run.py was killed; whether there were any."""
    guards = list(filter(_is_at_work, psutil.process_iter()))
    if guards:
        with terminal.progress("programs", "a run.py was killed; waiting for its programs to stop"):
            psutil.wait_procs(guards, timeout=3 * STOP_SECONDS)
    return bool(guards)


def _is_at_work(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error, OSError, ValueError):
        words = process.cmdline()
        return MODULE in words and not psutil.pid_exists(int(words[-1])) and ROOT.samefile(process.cwd())
    return False


def end(processes: list[psutil.Process]) -> None:
    """End the programs as Ctrl+C would, then the brokers; by force what does not react."""
    brokers, programs = [], []
    for process in processes:
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            (brokers if "kafka.Kafka" in process.cmdline() else programs).append(process)
    for group, ask in ((programs, _interrupt), (brokers, psutil.Process.terminate)):
        for process in group:
            with contextlib.suppress(psutil.Error, OSError):
                ask(process)
        _, alive = psutil.wait_procs(group, timeout=STOP_SECONDS)
        for process in alive:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(alive, timeout=STOP_SECONDS)


def _interrupt(process: psutil.Process) -> None:
    """As Ctrl+C would. Streamlit then writes that it stops, fails as nobody reads it any more, and does not stop; the
    page has nothing to lose."""
    if "streamlit" in process.cmdline():
        process.kill()
    else:
        child.interrupt(process.pid)


def main() -> None:
    started = []
    for line in sys.stdin:
        with contextlib.suppress(psutil.Error):  # it has ended already
            started.append(psutil.Process(int(line)))
    end([process for process in started if process.is_running() and process.status() != psutil.STATUS_ZOMBIE])


if __name__ == "__main__":
    main()
