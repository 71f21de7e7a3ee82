"""Contenders as processes."""

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import requests

from bench.harness import NotMeasured
from brokers.ports import free_ports
from plumbing.child import ask_to_stop, own_process_group

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 90.0


class Program:
    """A running program. Its lines go to the file `log`, or without one into `lines`, each with the time
    (`time.perf_counter()`) at which it was read."""

    def __init__(self, *command: str, log: Path | None = None, port: int = 0, cwd: Path = ROOT, **environment: str):
        self.port = port
        self.name = " ".join(command)
        self.log = log
        self.lines: list[tuple[float, str]] = []
        self.ended = False  # nothing more will be read
        self._news = threading.Condition()
        output = log.open("wb") if log else subprocess.PIPE
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=cwd,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", **environment},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            **own_process_group(),
        )
        if log:
            output.close()
        else:
            threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            now = time.perf_counter()
            with self._news:
                self.lines.append((now, line.decode(errors="replace").rstrip()))
                self._news.notify_all()
        with self._news:
            self.ended = True
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
                if self.ended or not self._news.wait(deadline - time.perf_counter()):
                    raise NotMeasured(f"{self.name} did not say {pattern!r} in time: {self.last_words()}")

    def wait_until_it_answers(self, path: str = "/health") -> "Program":
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=10).ok:
                    return self
            time.sleep(0.05)
        raise NotMeasured(f"{self.name} does not answer: {self.last_words()}")

    def get(self, path: str):
        return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=30).json()

    def post(self, path: str, body: dict | None = None) -> dict:
        answer = requests.post(f"http://127.0.0.1:{self.port}{path}", json=body, timeout=120)
        if answer.status_code != 201:
            raise NotMeasured(f"{self.name} answered {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    def last_words(self) -> str:
        said = self.log.read_text(errors="replace").splitlines() if self.log else [line for _, line in self.lines]
        return " / ".join(said[-5:]) or "it said nothing"

    def cpu_seconds(self) -> float:
        """CPU time that it has used so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system

    def megabytes(self) -> float:
        """Resident memory."""
        return psutil.Process(self.process.pid).memory_info().rss / 1e6

    def type(self, line: str) -> None:
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def stop(self) -> None:
        """Ctrl+C, and an end by force when it does not listen."""
        ask_to_stop(self.process)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_exception) -> None:
        self.stop()


def producer(servers: str, topic: str, **where) -> Program:
    """producer.py on `topic`, with one more route, POST /noop."""
    port = free_ports(1)[0]
    settings = {"KAFKA_BOOTSTRAP_SERVERS": servers, "PRODUCER_PORT": str(port)}
    return Program("-m", "bench.on_topic", "producer", topic, port=port, **settings, **where)


def consumer(servers: str, topic: str, group: str, port: int = 0, silent: bool = False, **where) -> Program:
    """consumer.py on `topic`; with `silent` it logs no event."""
    port = port or free_ports(1)[0]
    settings = {"KAFKA_BOOTSTRAP_SERVERS": servers, "CONSUMER_PORT": str(port), "CONSUMER_GROUP": group}
    name = "silent-consumer" if silent else "consumer"
    return Program("-m", "bench.on_topic", name, topic, port=port, **settings, **where)


def peer(name: str, *arguments: str, **where) -> Program:
    """One of `bench/peers`, with its arguments."""
    return Program("-m", f"bench.peers.{name}", *arguments, **where)
