"""Apache Kafka without Docker: pinned jars on a Java that pip installs.

Its settings are those of `docker-compose.yml`. Data lives in `.kafka/` and survives restarts.
"""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import psutil

from brokers import Broker, Progress, jars, java
from brokers.compose import SINGLE, Service, renumber, server_properties
from brokers.ports import PortHolder, port_holder
from plumbing import Problem
from plumbing.child import Child
from plumbing.kafka import answers
from settings import ROOT

FOLDER = ROOT / ".kafka"
PORTS = {"EXTERNAL": 9092, "INTERNAL": 29092, "CONTROLLER": 9093}
START_SECONDS = 90.0
STOP_SECONDS = 15.0
FREE_MEGABYTES = 500


def shown(folder: Path) -> str:
    """The folder as a user would name it: `.kafka/`."""
    return f"{folder.relative_to(ROOT).as_posix()}/" if folder.is_relative_to(ROOT) else str(folder)


def running(folder: Path = FOLDER) -> int | None:
    """The pid of a local broker that works in `folder` or below, or None."""
    for process in psutil.process_iter(["cmdline"]):
        words = [Path(word) for word in process.info["cmdline"] or [] if word.endswith("server.properties")]
        if any(word.is_relative_to(folder) for word in words):
            return process.pid
    return None


class LocalBroker(Broker):
    """One Apache Kafka process on the loopback interface.

    folder      data, settings and log of this broker
    ports       listener name -> port; by default those of the compose file
    service     its description
    renumbered  port in the compose file -> port here, if the settings name other brokers, too
    """

    def __init__(
        self,
        folder: Path = FOLDER,
        ports: dict[str, int] = PORTS,
        service: Service = SINGLE,
        renumbered: dict[int, int] | None = None,
    ):
        self.folder = Path(folder)
        self.ports = ports
        self.service = service
        self.renumbered = renumbered or renumber(service, ports)
        self.name = service.name
        self.port = ports["EXTERNAL"]
        self.bootstrap_servers = f"localhost:{self.port}"
        self.log = self.folder / "broker.log"
        self._child: Child | None = None
        self.description = f"Apache Kafka {jars.kafka_version()} (local, data in {shown(self.folder)})"

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    @property
    def process(self) -> subprocess.Popen | None:
        return self._child and self._child.process

    def start(self, progress: Progress = print) -> None:
        self.launch(progress)
        self.wait_until_it_answers()

    def launch(self, progress: Progress = print) -> None:
        """Start the process, and do not wait for it. Raises `Problem`."""
        for listener, port in self.ports.items():
            if holder := port_holder(port):
                raise _port_taken(listener, port, holder)
        runtime = java.find_java()
        if shutil.disk_usage(ROOT).free < FREE_MEGABYTES * 2**20:
            raise Problem(
                f"less than {FREE_MEGABYTES} MB are free on the disk of {ROOT}",
                "make room and type the same command again",
            )
        classes = {"CLASSPATH": os.pathsep.join(map(str, jars.ensure(progress)))}
        self._write_settings()
        if not (self.folder / "data" / "meta.properties").exists():
            progress("preparing the data folder")
            self._format(runtime, {**os.environ, **classes})
        progress(f"starting Apache Kafka {jars.kafka_version()}")
        command = [*runtime, *java.BROKER_OPTIONS, "kafka.Kafka", str(self.folder / "server.properties")]
        self._child = Child(*command, environment=classes, log=self.log)

    def wait_until_it_answers(self) -> None:
        """Raises `Problem`, with the process ended, if it does not."""
        deadline = time.monotonic() + START_SECONDS
        try:
            while not self.answers():
                if not self.running or time.monotonic() > deadline:
                    raise self._why_it_failed()
        except BaseException:
            self.stop()
            raise

    def answers(self) -> bool:
        return answers(self.bootstrap_servers, 1.0)

    def stop(self) -> None:
        """Let Kafka close its files, as `docker stop` does; Windows can only end a process at once."""
        self._end(subprocess.Popen.terminate)

    def kill(self) -> None:
        """End the process at once (`kill -9`)."""
        self._end(subprocess.Popen.kill)

    def _end(self, how) -> None:
        if self._child is None:
            return
        how(self._child.process)
        try:
            self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
        self._child = None

    def settings(self) -> dict[str, str]:
        return server_properties(self.folder / "data", self.renumbered, self.service)

    def _write_settings(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{name}={value}\n" for name, value in self.settings().items()]
        (self.folder / "server.properties").write_text("".join(lines), encoding="utf-8")

    def format_command(self) -> list[str]:
        cluster_id = self.service.environment["KAFKA_KRAFT_CLUSTER_ID"]
        settings = str(self.folder / "server.properties")
        return ["kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", cluster_id, "-c", settings]

    def _format(self, runtime: list[str], environment: dict) -> None:
        """Give the data folder its cluster id, as the image's entry script does."""
        done = subprocess.run(
            [*runtime, *self.format_command()],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        if done.returncode:
            raise Problem(
                f"the data folder {self.folder} cannot be prepared: {_last_line(done.stdout)}",
                "python run.py clean   (wipes the local broker's data), then python run.py",
            )

    def _why_it_failed(self) -> Problem:
        text = self.log.read_text(encoding="utf-8", errors="replace")[-20_000:]
        for pattern, what, hint in KNOWN_FAILURES:
            if re.search(pattern, text):
                return Problem(what, hint)
        return Problem(
            f"Apache Kafka did not start: {_last_line(text)}",
            f"its log is {self.log}; python run.py clean wipes the data, then: python run.py",
        )


KNOWN_FAILURES = [
    (
        "Address already in use|BindException",
        "one of the broker's ports is taken",
        "python run.py doctor   (says by which program)",
    ),
    (
        "No space left on device",
        "the disk is full",
        "make room and type the same command again",
    ),
    (
        "Invalid cluster.id|InconsistentClusterIdException|doesn't match stored",
        "the data in .kafka/ belongs to a cluster with another id",
        "python run.py clean   (wipes it), then python run.py",
    ),
    (
        "Could not reserve enough space|insufficient memory",
        "there is not enough memory for Java (512 MB)",
        "close some programs and type the same command again",
    ),
]


def _port_taken(listener: str, port: int, holder: PortHolder) -> Problem:
    return Problem(
        f"port {port} (the broker's {listener} listener) is taken by {holder}",
        f"end that program ({holder.how_to_end}) and type the same command again",
    )


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("\tat ")]
    return lines[-1].strip() if lines else "no output"
