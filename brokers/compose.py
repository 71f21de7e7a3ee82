"""The compose files as the one description of the brokers, with or without Docker.

Settings follow the rule of Bitnami's image: `KAFKA_CFG_X_Y` becomes `x.y` in server.properties. So running the local
broker proves the compose file.
"""

import platform
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

import settings
from settings import ROOT

COMPOSE_FILE = ROOT / "docker-compose.yml"


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


def server_properties(
    data: Path, renumbered: dict[int, int] | None = None, service: Service = SINGLE
) -> dict[str, str]:
    """Kafka's settings: those of the compose file, on loopback addresses and, if wanted, other ports."""
    settings = {
        name.removeprefix("KAFKA_CFG_").lower().replace("_", "."): on_loopback(value, renumbered or {})
        for name, value in service.environment.items()
        if name.startswith("KAFKA_CFG_")
    }
    settings["log.dirs"] = data.as_posix()
    if platform.system() == "Windows":
        # Windows cannot rename a file that is mapped into memory, which is how Kafka replaces a compacted
        # segment; it would stop for good (https://issues.apache.org/jira/browse/KAFKA-1194).
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
