"""The compose files, which describe the brokers with and without Docker.

Settings follow the image's rule: with Bitnami's, `KAFKA_CFG_X_Y` becomes `x.y` in server.properties; with the Apache
project's, for Kafka 4, `KAFKA_X_Y` does. So running the local broker proves the compose file.
"""

import platform
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

import settings
from brokers.jars import CURRENT, LESSONS
from settings import ROOT

COMPOSE_FILE = ROOT / "docker-compose.yml"
CLUSTER_FILE = ROOT / "docker-compose.cluster.yml"
NO_SETTINGS = ("KAFKA_HEAP_OPTS", "KAFKA_KRAFT_CLUSTER_ID")


@dataclass(frozen=True)
class Service:
    """A broker of Kafka 3 or 4, as described by a compose file."""

    file: Path = COMPOSE_FILE
    name: str = "kafka"
    kafka: int = LESSONS

    @property
    def description(self) -> dict:
        return yaml.safe_load(self.file.read_text(encoding="utf-8"))["services"][self.name]

    @property
    def environment(self) -> dict[str, str]:
        return self.description["environment"]

    @property
    def image(self) -> str:
        """The compose file's image; KAFKA_IMAGE overrides it where the file allows that."""
        named = self.description["image"]
        default = re.search(r":-(.+)}", named)
        return (settings.KAFKA_IMAGE or default[1]) if default else named

    @property
    def settings(self) -> dict[str, str]:
        """The lines of server.properties."""
        environment = self.environment
        bitnami = any(name.startswith("KAFKA_CFG_") for name in environment)
        prefix = "KAFKA_CFG_" if bitnami else "KAFKA_"
        return {
            name.removeprefix(prefix).lower().replace("_", "."): value
            for name, value in environment.items()
            if name.startswith(prefix) and name not in NO_SETTINGS
        }

    @property
    def cluster_id(self) -> str:
        environment = self.environment
        return environment.get("KAFKA_KRAFT_CLUSTER_ID") or environment["CLUSTER_ID"]

    @property
    def ports(self) -> dict[str, int]:
        """Listener -> port: {"EXTERNAL": 9092, ...}."""
        listeners = re.findall(r"(\w+)://:(\d+)", self.settings["listeners"])
        return {listener: int(port) for listener, port in listeners}


SINGLE = Service()
SINGLE_OF_4 = Service(ROOT / "docker-compose.kafka4.yml", kafka=CURRENT)
SINGLES = {LESSONS: SINGLE, CURRENT: SINGLE_OF_4}


@dataclass(frozen=True)
class NodeOf4(Service):
    """One of three Kafka 4 brokers, without Docker: with the settings of the cluster's compose file, which is for Kafka
    3, and the group settings of the single Kafka 4 broker."""

    file: Path = CLUSTER_FILE
    kafka: int = CURRENT

    @property
    def settings(self) -> dict[str, str]:
        groups = {name: value for name, value in SINGLE_OF_4.settings.items() if name.startswith("group.")}
        return groups | super().settings

    @property
    def cluster_id(self) -> str:
        return "hands-on-kafka-three4A"


def cluster(kafka: int = LESSONS) -> list[Service]:
    """The three brokers."""
    described = yaml.safe_load(CLUSTER_FILE.read_text(encoding="utf-8"))["services"]
    names = [name for name in described if name.startswith("kafka-")]
    return [Service(CLUSTER_FILE, name) if kafka == LESSONS else NodeOf4(name=name) for name in names]


def cluster_ids(kafka: int) -> set[str]:
    """The cluster ids of this version: a single broker's, and that of three."""
    return {service.cluster_id for service in (SINGLES[kafka], *cluster(kafka))}


def server_properties(
    data: Path, renumbered: dict[int, int] | None = None, service: Service = SINGLE
) -> dict[str, str]:
    """Kafka's settings: those of the compose file, with loopback addresses and, optionally, other ports."""
    settings = {name: on_loopback(value, renumbered or {}) for name, value in service.settings.items()}
    settings["log.dirs"] = data.as_posix()
    if platform.system() == "Windows":
        # Windows cannot rename a file that is mapped into memory, which is how Kafka replaces a compacted
        # segment; it would stop for good (https://issues.apache.org/jira/browse/KAFKA-1194).
        settings["log.cleaner.enable"] = "false"
    return settings


def renumber(service: Service, ports: dict[str, int]) -> dict[int, int]:
    """A listener's port in the compose file -> its port here."""
    return {port: ports[listener] for listener, port in service.ports.items()}


def on_loopback(value: str, renumbered: dict[int, int]) -> str:
    """The setting with the containers' addresses replaced: `://:29092`, `://kafka:29092`, `0@kafka-0:9093`."""
    value = re.sub(r"://:(?=\d)", "://127.0.0.1:", value)
    value = re.sub(r"\bkafka(-\d)?:(?=\d)", "127.0.0.1:", value)
    return re.sub(r"(?<=:)\d+\b", lambda port: str(renumbered.get(int(port[0]), port[0])), value)
