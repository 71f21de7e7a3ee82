"""Apache Kafka without Docker: pinned jars on a Java that pip installs.

Its settings are those of `docker-compose.yml`, for Kafka 4 of `docker-compose.kafka4.yml`. Data lives in `.kafka/`, for
Kafka 4 in `.kafka/4/`, and survives restarts.
"""

import contextlib
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import psutil

from brokers import Broker, Progress, jars, java
from brokers.compose import SINGLE, Service, cluster_ids, renumber, server_properties
from brokers.damage import damage
from brokers.failures import WIPE, Failure, failure, unreadable_offsets
from brokers.jars import CURRENT, LESSONS
from brokers.lock import lock
from brokers.ports import insist_on_free
from plumbing import Problem
from plumbing.child import Child
from plumbing.kafka import answers
from settings import ROOT

FOLDER = ROOT / ".kafka"
MAIN, SETTINGS, LOCK = "kafka.Kafka", "server.properties", "in-use.lock"
PORTS = {"EXTERNAL": 9092, "INTERNAL": 29092, "CONTROLLER": 9093}
START_SECONDS = 90.0
STOP_SECONDS = 15.0
LATEST_SECONDS = 10.0  # what is older in the log than once or twice that is no reason for its end
FREE_MEGABYTES = 500
LOG_BYTES = 200_000  # of a run, to find out why it failed


def shown(folder: Path) -> str:
    """The folder as a user would name it: `.kafka/`."""
    return f"{folder.relative_to(ROOT).as_posix()}/" if folder.is_relative_to(ROOT) else str(folder)


def folder_of(kafka: int) -> Path:
    """Where the local brokers of Kafka 3 or 4 keep their data. Each has its own: 4 would open the data of 3, and 3
    could not open them again."""
    return FOLDER if kafka == LESSONS else FOLDER / str(kafka)


def cluster_of(data: Path) -> str:
    """The id of the cluster to which this data folder belongs; empty if it has none (yet)."""
    described = data / "meta.properties"
    text = described.read_text(encoding="utf-8", errors="replace") if described.exists() else ""
    found = re.search("^cluster.id=(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else ""


def running(folder: Path = FOLDER) -> int | None:
    """The pid of a local broker that works in `folder` or below, or None."""
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [])[-2:] == [MAIN, SETTINGS]:
            with contextlib.suppress(psutil.Error, OSError):  # somebody else's, or one that has just ended
                if Path(process.cwd()).resolve().is_relative_to(folder.resolve()):
                    return process.pid
    return None


def unreadable_offsets_of_running() -> str:
    """As in `failures`, of the brokers that run."""
    return unreadable_offsets("".join(_end_of(log) for log in FOLDER.rglob("broker.log") if running(log.parent)))


def _end_of(log: Path, begin: int = 0) -> str:
    """The end of what the log has from there on."""
    with log.open("rb") as file:
        file.seek(max(begin, log.stat().st_size - LOG_BYTES))
        return file.read().decode(errors="replace")


def wipe() -> bool:
    """Remove what the local brokers keep; whether there was anything. Raises `Problem` while one of them works."""
    if not FOLDER.exists():
        return False
    with contextlib.ExitStack() as held:
        for path in {FOLDER / LOCK, *FOLDER.rglob(LOCK)}:
            held.enter_context(_alone_in(path.parent))
        if os.name == "nt":
            held.close()  # it removes no open file
        shutil.rmtree(FOLDER)
    return True


def _alone_in(folder: Path) -> BinaryIO:
    """The lock of this folder, in which one broker works at a time. Raises `Problem`."""
    if locked := lock(folder / LOCK):
        return locked
    what = f"a broker works in {shown(folder)}, of a run.py in another terminal or container"
    raise Problem(what, "quit it first (quit, or Ctrl+C in its terminal), then the same command again")


class LocalBroker(Broker):
    """One Apache Kafka process on the loopback interface."""

    def __init__(
        self,
        folder: Path | None = None,  # with data, settings and log; by default that of its version
        ports: dict[str, int] = PORTS,  # listener name -> port; by default those of the compose file
        service: Service = SINGLE,
        renumbered: dict[int, int] | None = None,  # port in the compose file -> port here, also of other brokers
        java_options: Sequence[str] = (),  # in addition to those of every broker
    ):
        self.folder = Path(folder or folder_of(service.kafka))
        self.ports = ports
        self.service = service
        self.title = f"Apache Kafka {jars.kafka_version(service.kafka)}"
        self.renumbered = renumbered or renumber(service, ports)
        self.java_options = java_options
        self.name = service.name
        self.port = ports["EXTERNAL"]
        self.bootstrap_servers = f"localhost:{self.port}"
        self.log = self.folder / "broker.log"
        self._log_begin = 0  # where the lines of this run begin
        self._child: Child | None = None
        self._lock: BinaryIO | None = None
        self.nodes = (self,)
        self.on_crash: Callable[[LocalBroker, Failure], None] = lambda _broker, _failure: None
        self.how_to_start = f"start {self.name}, in the terminal of run.py"
        self.description = f"{self.title} (local, data in {shown(self.folder)})"

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    @property
    def process(self) -> subprocess.Popen | None:
        return self._child.process if self._child else None

    def start(self, progress: Progress = print) -> None:
        self.launch(progress)
        self.wait_until_it_answers()

    def launch(self, progress: Progress = print) -> None:
        """Start the process, and do not wait for it. Raises `Problem`."""
        for listener, port in self.ports.items():
            insist_on_free(port, f"broker's {listener} listener", "type the same command again")
        runtime = java.command()
        self.folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self.folder).free < FREE_MEGABYTES * 2**20:
            what = f"less than {FREE_MEGABYTES} MB are free on the disk of {self.folder}"
            raise Problem(what, "make room and type the same command again")
        self._refuse_data_of_another_version()
        locked = _alone_in(self.folder)
        try:
            self._launch(runtime, locked, progress)
        except BaseException:
            locked.close()
            raise
        if os.name == "posix":
            locked.close()  # Java holds it from now on, and a run.py that is killed changes nothing
        else:
            self._lock = locked

    def _launch(self, runtime: list[str], locked: BinaryIO, progress: Progress) -> None:
        environment = java.environment(progress, self.service.kafka)
        options = java.options(environment, self.service.kafka)
        self._write_settings()
        if not (self.folder / "data" / "meta.properties").exists():
            progress("preparing the data folder")
            # As the image's entry script does: give the data its cluster id.
            purpose = f"the data folder {shown(self.folder)} cannot be prepared"
            java.call(*options, *self.format_command(), folder=self.folder, purpose=purpose, environment=environment)
        progress(f"starting {self.title}")
        command = [*runtime, *options, *java.BROKER_OPTIONS, *self.java_options, MAIN, SETTINGS]
        self._log_begin = self._log_size()
        self._child = Child(*command, cwd=self.folder, environment=environment, log=self.log, holds=locked)

    def _refuse_data_of_another_version(self) -> None:
        """Raises `Problem`. Each version has its own cluster ids; an id that is neither's is Kafka's to judge."""
        found = cluster_of(self.folder / "data")
        for kafka in (LESSONS, CURRENT):
            if kafka != self.service.kafka and found in cluster_ids(kafka):
                what = f"the data in {shown(self.folder)} was written by Kafka {kafka}: {self.title} must not open it"
                raise Problem(what, f"move it to {shown(folder_of(kafka))}, or {WIPE}")

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
        threading.Thread(target=self._watch, args=[self._child], daemon=True).start()

    def _watch(self, child: Child) -> None:
        """Call `on_crash` if it ends, unless we have ended it."""
        before, latest = self._log_begin, self._log_size()
        while child.running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(LATEST_SECONDS)
                break
            before, latest = latest, self._log_size()
        if child is self._child:
            self.on_crash(self, self._reason(before, child.wait()))

    def answers(self) -> bool:
        return answers(self.bootstrap_servers, 1.0)

    def stop(self) -> None:
        """Let Kafka close its files, as `docker stop` does; Windows can only end a process at once."""
        self._end(subprocess.Popen.terminate)

    def kill(self) -> None:
        """End the process at once (`kill -9`)."""
        self._end(subprocess.Popen.kill)

    def _end(self, how) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        how(child.process)
        child.end(STOP_SECONDS)
        if self._lock:
            self._lock.close()

    def settings(self) -> dict[str, str]:
        return server_properties(self.folder / "data", self.renumbered, self.service)

    def _write_settings(self) -> None:
        """With paths relative to the folder, in which Java runs. Its own name may have a comma, which separates the
        folders of `log.dirs`, a backslash, which escapes, or a character that Java, which reads Latin-1, mistakes."""
        here = f"{self.folder.as_posix()}/"
        lines = [f"{name}={value.removeprefix(here)}\n" for name, value in self.settings().items()]
        (self.folder / SETTINGS).write_text("".join(lines), encoding="latin-1")

    def format_command(self) -> list[str]:
        cluster_id = self.service.cluster_id
        return ["kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", cluster_id, "-c", SETTINGS]

    def _log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def _reason(self, begin: int, code: int | None) -> Failure:
        """Why it failed: what its log says from there on, or else what its data shows."""
        found = failure(_end_of(self.log, begin), code)
        return found if found.remedy else damage(self.folder / "data") or found

    def _why_it_failed(self) -> Problem:
        code = self.process.poll() if self.process else None
        what, remedy = self._reason(self._log_begin, code)
        state = "does not answer" if code is None else "did not start"
        hint = f"{remedy}, then type the same command again" if remedy else f"read its log, {self.log}"
        return Problem(f"Apache Kafka {state}: {what}", hint)
