"""Programs as processes: start them, wait for a line or an answer with a deadline, end them."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import requests

from brokers.ports import free_ports, port_holder
from plumbing import waiting
from plumbing.child import Child
from settings import ROOT

PATIENCE = 180.0  # seconds; generous, because machines are shared and slow
LIKE_LOGGED = re.compile(
    r"Consumed: order=(?P<order>\d+) partition=(?P<partition>\d+) "
    r"clicked_at=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ts_ms=\d{13}"
)


def wait_until(condition: Callable, what: str, seconds: float = PATIENCE, lines: list = ()):
    """The first true value of `condition()`; fails when there is none within `seconds`, with the last `lines`."""
    value = waiting.wait_until(condition, seconds)
    assert value, "\n".join([f"not within {seconds:.0f} s: {what}", *map(str, lines[-40:])])
    return value


def expect_no_traceback(lines: list[str]) -> None:
    """Fail with it, and the lines before."""
    at = next((number for number, line in enumerate(lines) if "Traceback" in line), None)
    assert at is None, "\n".join(lines[max(at - 5, 0) : at + 40])


def answers(url: str) -> bool:
    """True if a server answers there, and not with an error."""
    try:
        return requests.get(url, timeout=10).ok
    except requests.RequestException:
        return False


class Program(Child):
    """A running program and its output."""

    def __init__(self, *command: str, cwd: Path = ROOT, port: int = 0, **environment: str):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.lines: list[str] = []
        super().__init__(*command, on_line=self.lines.append, cwd=cwd, environment=environment, reads=True)

    def wait_for(self, pattern: str, times: int = 1, seconds: float = PATIENCE) -> list[re.Match]:
        """All lines that match, once there are at least this many."""

        def matches():
            found = [match for line in list(self.lines) if (match := re.search(pattern, line))]
            return found if len(found) >= times else None

        return wait_until(matches, f"{times} of {pattern!r}", seconds, self.lines)

    def likes(self) -> dict[int, int]:
        """Order -> partition of the likes logged so far."""
        logged = [match for line in list(self.lines) if (match := LIKE_LOGGED.fullmatch(line))]
        return {int(match["order"]): int(match["partition"]) for match in logged}

    def likes_of_all(self) -> set[int]:
        """The orders of the likes that run.py has relayed, from all its consumers."""
        return {int(match[1]) for line in list(self.lines) if (match := re.search(r"Consumed: order=(\d+)", line))}

    def wait_for_likes(self, orders: set[int], seconds: float = PATIENCE) -> dict[int, int]:
        return wait_until(lambda: self.likes() if orders <= self.likes().keys() else None, f"likes {orders}", seconds)

    def status(self) -> dict:
        return requests.get(f"{self.url}/status", timeout=10).json()

    def wait_for_status(self, condition: Callable[[dict], bool], seconds: float = PATIENCE) -> dict:
        def status():
            with contextlib.suppress(requests.RequestException):
                return answer if condition(answer := self.status()) else None

        return wait_until(status, "a status", seconds, self.lines)

    def problem(self) -> str:
        """What its API says is wrong, and goes on saying."""
        answer = requests.get(f"{self.url}/health", timeout=20)
        assert answer.status_code == 503
        assert self.status()["problem"].lower().startswith(answer.json()["error"].lower())
        return answer.json()["error"]

    def wait_until_it_answers(self, path: str = "/health", seconds: float = PATIENCE) -> None:
        wait_until(lambda: self.answers(path), path, seconds, self.lines)

    def answers(self, path: str = "/health") -> bool:
        return answers(f"{self.url}{path}")

    def interrupt(self) -> int:
        """Ctrl+C; returns the exit code."""
        self.ask_to_stop()
        return self.wait()

    def wait(self, seconds: float = PATIENCE) -> int:
        return super().wait(seconds)


def producer(servers: str, port: int = 0, code: str = "") -> Program:
    """producer.py, or the `code` that runs it in another way."""
    port = port or free_ports(1)[0]
    settings = {"KAFKA_BOOTSTRAP_SERVERS": servers, "PRODUCER_PORT": str(port)}
    return Program(sys.executable, *(["-c", code] if code else ["producer.py"]), port=port, **settings)


def consumer(servers: str, group: str, port: int = 0, code: str = "") -> Program:
    """consumer.py, or the `code` that runs it in another way."""
    port = port or free_ports(1)[0]
    # With the blank that `set CONSUMER_PORT=5003 && python consumer.py` leaves on Windows.
    settings = {"KAFKA_BOOTSTRAP_SERVERS": servers, "CONSUMER_GROUP": group, "CONSUMER_PORT": f"{port} "}
    return Program(sys.executable, *(["-c", code] if code else ["consumer.py"]), port=port, **settings)


def port_behind(members: list[Program]) -> int:
    """A free port after theirs: the group assigns partitions in the order of ports."""
    return next(port for port in range(max(member.port for member in members) + 1, 2**16) if not port_holder(port))


def run_py(servers: str, learner: str, *arguments: str, cwd: Path = ROOT, seconds: float = PATIENCE) -> tuple[int, str]:
    """`python run.py ...` as this learner, to its end; returns its exit code and output."""
    environment = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": servers, "LEARNER": learner}
    command = [sys.executable, "run.py", *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, encoding="utf-8", timeout=seconds)
    return done.returncode, done.stdout + done.stderr
