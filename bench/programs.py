"""Contenders as processes."""

import contextlib
import re
import sys
import threading
import time
from pathlib import Path

import psutil
import requests

from bench.harness import NotMeasured
from brokers.ports import free_ports
from plumbing import loopback
from plumbing.child import Child
from settings import ROOT

PATIENCE_SECONDS = 90.0


class Program(Child):
    """A running program. Its lines go to the file `log`, or without one into `lines`, each with the time
    (`time.perf_counter()`) at which it was read."""

    def __init__(self, *command: str, log: Path | None = None, port: int = 0, cwd: Path = ROOT, **environment: str):
        self.port = port
        self.name = " ".join(command)
        self.log = log
        self.lines: list[tuple[float, str]] = []
        self._news = threading.Condition()
        super().__init__(
            sys.executable, *command, on_line=self._note, cwd=cwd, environment=environment, log=log, reads=True
        )

    def _note(self, line: str) -> None:
        now = time.perf_counter()
        with self._news:
            self.lines.append((now, line))
            self._news.notify_all()

    def wait_for(self, pattern: str, since: float = 0.0, seconds: float = PATIENCE_SECONDS) -> tuple[float, re.Match]:
        """When the first line that matches was read, at `since` or later, and the match."""
        seen = 0
        deadline = time.perf_counter() + seconds
        with self._news:
            while True:
                for at, line in self.lines[seen:]:
                    if at >= since and (match := re.search(pattern, line)):
                        return at, match
                seen = len(self.lines)
                if not self._reader.is_alive() or time.perf_counter() > deadline:
                    raise NotMeasured(f"{self.name} did not write {pattern!r} in time: {self.last_lines()}")
                self._news.wait(0.5)  # nothing wakes it when the program ends

    def wait_until_it_answers(self, path: str = "/health") -> "Program":
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(requests.RequestException):
                if loopback.get(f"http://127.0.0.1:{self.port}{path}", timeout=10).ok:
                    return self
            time.sleep(0.05)
        raise NotMeasured(f"{self.name} does not answer: {self.last_lines()}")

    def get(self, path: str):
        return loopback.get(f"http://127.0.0.1:{self.port}{path}", timeout=30).json()

    def last_lines(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log else [line for _, line in self.lines]
        return " / ".join(lines[-5:]) or "no output"

    def cpu_seconds(self) -> float:
        """CPU time that it has used so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system

    def stop(self) -> None:
        """Ctrl+C, and an end by force if that does not help."""
        self.ask_to_stop()
        self.end(20)

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_exception) -> None:
        self.stop()


def producer(servers: str, topic: str, **where) -> Program:
    """producer.py on `topic`, with one more route, POST /noop."""
    port = free_ports(1)[0]
    settings = {"KAFKA_BOOTSTRAP_SERVERS": servers, "PRODUCER_PORT": str(port)}
    return Program("-m", "bench.on_topic", "producer", topic, port=port, **settings, **where)


def consumer(servers: str, topic: str, group: str, port: int = 0, **where) -> Program:
    """consumer.py on `topic`."""
    port = port or free_ports(1)[0]
    settings = {"KAFKA_BOOTSTRAP_SERVERS": servers, "CONSUMER_PORT": str(port), "CONSUMER_GROUP": group}
    return Program("-m", "bench.on_topic", "consumer", topic, port=port, **settings, **where)


def peer(name: str, *arguments: str, **where) -> Program:
    """One of `bench/peers`, with its arguments."""
    return Program("-m", f"bench.peers.{name}", *arguments, **where)
