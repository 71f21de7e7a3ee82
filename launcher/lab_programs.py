"""Runs a lab page's shell blocks for the page in the browser: each in a process, with a time limit."""

import contextlib
import os
import signal
import subprocess
import sys
import threading

import psutil

from brokers import Broker
from labs import blocks
from launcher.transcript import Transcript
from plumbing import Problem
from plumbing.child import Child

MOST_SECONDS = 180.0  # per block; the longest one takes 30 s
END_SECONDS = 10.0  # for a program to end by itself: it may have to leave a group or resume a broker


class Run:
    """The commands of one block, one after the other; stops at the first that fails."""

    def __init__(self, commands: list[list[str]], environment: dict[str, str]):
        self.output = Transcript()
        self.exit_code: int | None = None
        self._commands = commands
        self._environment = environment
        self._child: Child | None = None
        self._ended_because = ""
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        limit = threading.Timer(MOST_SECONDS, self.stop, [f"ended: the page allows {MOST_SECONDS:.0f} s"])
        limit.daemon = True
        limit.start()
        code = None
        for words in self._commands:
            with self._lock:
                if self._ended_because or code:
                    break
                self._child = self._start(words)
            code = self._child.wait()
        limit.cancel()
        if self._ended_because:
            self.output.add(self._ended_because)
        self.exit_code = code

    def _start(self, words: list[str]) -> Child:
        command = [sys.executable, "run.py", *words]
        return Child(*command, on_line=self.output.add, environment=self._environment, late=True)

    def stop(self, why: str = "stopped") -> None:
        """End it like Ctrl+C in its terminal, then by force."""
        with self._lock:
            if not self.running or self._ended_because:
                return
            self._ended_because = why
            child = self._child
        if child and child.running:
            end_with_all_below(child.process)


def end_with_all_below(process: subprocess.Popen) -> None:
    """Ctrl+C for a program and those it started, which share its process group; then force."""
    with contextlib.suppress(psutil.Error, OSError):  # it has just ended
        below = psutil.Process(process.pid).children(recursive=True)
        if os.name == "nt":
            os.kill(process.pid, signal.CTRL_BREAK_EVENT)  # type: ignore[attr-defined]
        else:
            os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):  # not psutil, which would consume its exit code
            process.wait(END_SECONDS)
        if process.poll() is None:
            process.kill()
        _, alive = psutil.wait_procs(below, timeout=END_SECONDS)
        for one in alive:
            one.kill()


def environment_on(broker: Broker) -> dict[str, str]:
    """As in a second terminal, without the login that run.py set for itself (lab 10), but with the broker's address."""
    login = {"KAFKA_CLIENT_CONFIG": ""} if broker.client_properties else {}
    return {"KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers} | login


class LabPrograms:
    """One block at a time. `environment` is added to that of run.py."""

    def __init__(self, environment: dict[str, str]):
        self._environment = environment
        self._runs: list[Run] = []
        self._places: list[tuple[int, int]] = []  # lab and block of each
        self._lock = threading.Lock()

    def start(self, lab: int, block: int) -> int:
        """Run the block; returns the number of the run. Raises LookupError if the page may not run it, `Problem` while
        another one runs."""
        commands = blocks.shell_commands(lab, block)
        with self._lock:
            if self.is_busy:
                what = f"a block of lab {self._places[-1][0]} is still running"
                raise Problem(what, "wait until it ends, or stop it on the page of that lab")
            self._runs.append(Run(commands, self._environment))
            self._places.append((lab, block))
            return len(self._runs) - 1

    @property
    def is_busy(self) -> bool:
        return bool(self._runs) and self._runs[-1].running

    def current(self) -> tuple[int, int, int] | None:
        """The number of the run that has not ended, its lab and its block."""
        with self._lock:
            return (len(self._runs) - 1, *self._places[-1]) if self.is_busy else None

    def run(self, number: int) -> Run:
        """Raises LookupError."""
        return self._runs[number]

    def close(self) -> None:
        """End the one that runs."""
        if self._runs:
            self._runs[-1].stop()
