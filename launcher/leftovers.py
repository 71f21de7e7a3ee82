"""What a run.py that was killed has left running: found by a record of pids and start times, and ended.

Each run.py keeps a file in `.run/` while it runs, and a guard beside itself (`python -m launcher.leftovers FILE`): that
waits for the end of run.py, however it comes, and if the file is still there, ends the programs in order.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

import settings
from brokers.ports import shown
from launcher import terminal
from plumbing import Problem, child
from settings import ROOT

FOLDER = ROOT / ".run"
STOP_SECONDS = 10.0  # for the programs, and then for the brokers
END = "python run.py stop   (ends them)"
CLOCK_SECONDS = 2.0  # by which a system may report the start of the same process differently


@dataclass(frozen=True)
class Record:
    """What a file says: run.py itself, its guard, and what it has started."""

    file: Path
    processes: list[dict]

    @property
    def run_py(self) -> psutil.Process | None:
        return find(self.processes[0])

    @property
    def guard(self) -> psutil.Process | None:
        return find(self.processes[1]) if len(self.processes) > 1 else None

    @property
    def started(self) -> list[psutil.Process]:
        """The programs and brokers that still run."""
        return [process for described in self.processes[2:] if (process := find(described))]


def describe(pid: int) -> dict:
    return {"pid": pid, "started": psutil.Process(pid).create_time()}


def find(described: dict) -> psutil.Process | None:
    """The process, if it still runs: not another one that got its pid."""
    with contextlib.suppress(psutil.Error, OSError):
        process = psutil.Process(described["pid"])
        same = abs(process.create_time() - described["started"]) < CLOCK_SECONDS
        if same and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def records() -> list[Record]:
    found = []
    for file in sorted(FOLDER.glob("*.jsonl")):
        processes = []
        with contextlib.suppress(OSError, ValueError):  # removed meanwhile; the last line may be cut off
            for line in file.read_text(encoding="utf-8").splitlines():
                processes.append(json.loads(line))
        if processes:
            found.append(Record(file, processes))
    return found


def sessions() -> list[psutil.Process]:
    """Each run.py of this folder that runs programs now."""
    return [run_py for record in records() if (run_py := record.run_py)]


def left() -> list[psutil.Process]:
    """What runs without the run.py that started it."""
    return [process for record in records() if not record.run_py for process in record.started]


def names(processes: list[psutil.Process]) -> str:
    """`producer.py (pid 42), consumer.py (pid 43)`."""
    return ", ".join(f"{_name(process)} (pid {process.pid})" for process in processes)


def description(processes: list[psutil.Process]) -> str:
    return f"a run.py that was killed has left these running: {names(processes)}"


def _name(process: psutil.Process) -> str:
    if _is_broker(process):
        return "the broker"
    with contextlib.suppress(psutil.Error):
        return next((Path(word).name for word in process.cmdline() if word.endswith(".py")), process.name())
    return "a program"


def _is_broker(process: psutil.Process) -> bool:
    return _has_in_its_command(process, "kafka.Kafka")


def _is_page(process: psutil.Process) -> bool:
    return _has_in_its_command(process, "streamlit")


def _has_in_its_command(process: psutil.Process, word: str) -> bool:
    with contextlib.suppress(psutil.Error):
        return word in process.cmdline()
    return False


def _interrupt(process: psutil.Process) -> None:
    """As Ctrl+C would. Streamlit then writes that it stops, fails as nobody reads it any more, and does not stop; the
    page has nothing to lose."""
    if _is_page(process):
        process.kill()
    else:
        child.interrupt(process.pid)


def end(processes: list[psutil.Process]) -> None:
    """End the programs as Ctrl+C would, then the brokers; by force what does not react."""
    brokers = [process for process in processes if _is_broker(process)]
    programs = [process for process in processes if process not in brokers]
    for group, ask in ((programs, _interrupt), (brokers, psutil.Process.terminate)):
        for process in group:
            with contextlib.suppress(psutil.Error, OSError):
                ask(process)
        _, alive = psutil.wait_procs(group, timeout=STOP_SECONDS)
        for process in alive:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(alive, timeout=STOP_SECONDS)


def end_all() -> None:
    """End everything that was left, and forget it."""
    forgotten = [record for record in records() if not record.run_py]
    end([process for record in forgotten for process in record.started])
    for record in forgotten:
        _remove(record.file)


def main() -> int:
    """`python run.py stop`; returns the exit code. Raises `Problem`."""
    if running := sessions():
        raise Problem(f"run.py is running: {shown(running[0])}", "type quit there")
    processes = left()
    if processes:
        with terminal.progress("programs", "ending them"):
            end_all()
    ended = f"ended {len(processes)} programs that a run.py had left when it was killed"
    terminal.say("programs", ended if processes else "no run.py has left any running")
    return 0


def settle() -> None:
    """Before a start: wait for a guard that is at work; then offer to end what is left. Raises `Problem`."""
    guards = [record.guard for record in records() if not record.run_py and record.guard]
    if guards:
        with terminal.progress("programs", "a run.py was killed, what it had started is ending"):
            psutil.wait_procs(guards, timeout=3 * STOP_SECONDS)
    if processes := left():
        what = description(processes)
        if not terminal.agrees(what, "end them?"):
            raise Problem(what, END)
        with terminal.progress("programs", "ending them"):
            end_all()


@contextlib.contextmanager
def recorded() -> Iterator[None]:
    """While the block runs, keep a record of this process and of what it starts, and a guard beside it."""
    file = FOLDER / f"{os.getpid()}.jsonl"
    try:
        FOLDER.mkdir(exist_ok=True)
        file.unlink(missing_ok=True)
        _append(file, os.getpid())
    except OSError:  # a folder of another user: then nothing is remembered
        yield
        return
    guard = subprocess.Popen(
        [sys.executable, "-m", "launcher.leftovers", str(file)],
        cwd=ROOT,
        env=settings.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **child.own_process_group(),
    )
    _append(file, guard.pid)

    def note(pid: int) -> None:
        with contextlib.suppress(psutil.Error, OSError):  # it has ended already
            _append(file, pid)

    child.started.append(note)
    try:
        yield
    finally:
        child.started.remove(note)
        _remove(file)
        assert guard.stdin is not None
        guard.stdin.close()
        guard.wait()


def _append(file: Path, pid: int) -> None:
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(describe(pid)) + "\n")


def _remove(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)
        FOLDER.rmdir()  # only if it is empty


def guard(file: Path) -> None:
    """Wait for the end of the process that has the other end of the standard input; then end what it has left."""
    sys.stdin.buffer.read()
    for record in records():
        if record.file == file:
            end(record.started)
            _remove(file)


if __name__ == "__main__":
    guard(Path(sys.argv[1]))
