"""Where a broker on localhost:9092 comes from.

| module      | broker                                                         | needs  |
| ----------- | -------------------------------------------------------------- | ------ |
| `docker`    | the compose project, with Kafdrop                              | Docker |
| `local`     | the same Apache Kafka without Docker, on a Java that pip brings | -      |
| `simulated` | librdkafka's mock cluster: offline, in memory, for tests       | -      |

Each module has one class with the interface of `Broker`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

Report = Callable[[str], None]  # takes one line about what is being done now


class BrokerError(Exception):
    """A broker cannot be had. `str(error)` says what happened, `error.hint` what to type next."""

    def __init__(self, what: str, hint: str):
        super().__init__(what)
        self.hint = hint


class Broker(ABC):
    """A broker that can be started and stopped; as a context manager it gives its bootstrap servers."""

    bootstrap_servers: str
    description: str

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


def answers(bootstrap_servers: str, seconds: float = 3.0, config: dict | None = None) -> bool:
    """True when a Kafka broker answers a metadata request there within `seconds`."""
    client = AdminClient(
        {
            "bootstrap.servers": bootstrap_servers,
            "broker.address.family": "v4",
            "reconnect.backoff.max.ms": 200,
            "log_level": 0,
            **(config or {}),
        }
    )
    try:
        return bool(client.list_topics(timeout=seconds).brokers)
    except KafkaException:
        return False
