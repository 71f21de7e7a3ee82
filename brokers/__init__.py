"""Where a broker on localhost:9092 comes from.

| module      | broker                                                         | needs  |
| ----------- | -------------------------------------------------------------- | ------ |
| `docker`    | the compose project, with Kafdrop                              | Docker |
| `local`     | the same Apache Kafka without Docker, on a Java that pip brings | -      |
| `cluster`   | three brokers, with and without Docker                         | -      |
| `secured`   | the local one with TLS, passwords and access rules             | -      |
| `simulated` | librdkafka's mock cluster: offline, in memory, for tests       | -      |

Their classes have the interface of `Broker`.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

Report = Callable[[str], None]  # takes one line about what is being done now


class BrokerError(Exception):
    """A broker cannot be had. `str(error)` says what happened, `error.hint` what to type next."""

    def __init__(self, what: str, hint: str):
        super().__init__(what)
        self.hint = hint


class NotToBeHad(BrokerError):
    """This kind of broker cannot be had on this machine now; another kind may do."""


class Broker(ABC):
    """A broker that can be started and stopped; as a context manager it gives its bootstrap servers."""

    bootstrap_servers: str
    description: str
    client_properties: Path | None = None  # for KAFKA_CLIENT_CONFIG, where clients need one
    nodes = ()  # where there are several: what has a name, and can be stopped, killed and started

    @abstractmethod
    def start(self, report: Report = print) -> None:
        """Return when clients are answered. Raises `BrokerError` and leaves nothing running if that fails."""

    @abstractmethod
    def stop(self) -> None:
        """End what `start` started, and only that. Data is kept unless the broker keeps none."""

    def __enter__(self) -> str:
        self.start()
        return self.bootstrap_servers

    def __exit__(self, *_exception) -> None:
        self.stop()


def client_config(bootstrap_servers: str, file: str | Path = "") -> dict[str, str | int]:
    """Settings of a client of that broker, in librdkafka's names, with those of `file`, a client.properties,
    else of `KAFKA_CLIENT_CONFIG`."""
    config: dict[str, str | int] = {
        "bootstrap.servers": bootstrap_servers,
        # On Windows `localhost` is ::1 first, where no broker listens, and to be refused there takes 2 s.
        "broker.address.family": "v4" if os.name == "nt" else "any",
        "log_level": 0,
    }
    if file := file or os.environ.get("KAFKA_CLIENT_CONFIG", "").strip():
        lines = Path(file).read_text(encoding="utf-8").splitlines()
        config |= dict(line.strip().split("=", 1) for line in lines if "=" in line and line[0] != "#")
    return config


def answers(bootstrap_servers: str, seconds: float = 3.0, file: str | Path = "") -> bool:
    """True when a Kafka broker answers a metadata request there within `seconds`; `file` as in client_config()."""
    client = AdminClient(client_config(bootstrap_servers, file) | {"reconnect.backoff.max.ms": 200})
    try:
        return bool(client.list_topics(timeout=seconds).brokers)
    except KafkaException:
        return False
