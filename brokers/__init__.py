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
import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException
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
    else of `KAFKA_CLIENT_CONFIG`. Raises `BrokerError` when that cannot be read."""
    config: dict[str, str | int] = {
        "bootstrap.servers": bootstrap_servers,
        # On Windows `localhost` is ::1 first, where no broker listens, and to be refused there takes 2 s.
        "broker.address.family": "v4" if os.name == "nt" else "any",
        "log_level": 0,
    }
    if file := file or os.environ.get("KAFKA_CLIENT_CONFIG", "").strip():
        try:
            lines = Path(file).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            what = f"KAFKA_CLIENT_CONFIG cannot be read: {error}"
            raise BrokerError(what, "name another file with KAFKA_CLIENT_CONFIG, or unset it") from None
        settings = [line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#")]
        config |= {name.strip(): value.strip() for name, value in settings}
    return config


def admin_client(bootstrap_servers: str, file: str | Path = "", settings: dict | None = None) -> AdminClient:
    """An `AdminClient` with the settings of client_config() and these. Raises `BrokerError` when they are none."""
    try:
        return AdminClient(client_config(bootstrap_servers, file) | (settings or {}))
    except KafkaException as error:
        what = f"KAFKA_CLIENT_CONFIG does not suit librdkafka: {error.args[0].str()}"
        raise BrokerError(what, "correct the file, or unset KAFKA_CLIENT_CONFIG") from None


def answers(bootstrap_servers: str, seconds: float = 3.0, file: str | Path = "") -> bool:
    """True when a Kafka broker answers a metadata request there within `seconds`; `file` as in client_config()."""
    return not _problem(bootstrap_servers, seconds, file)


def refusal(bootstrap_servers: str, seconds: float = 3.0, file: str | Path = "") -> str:
    """Why no Kafka broker answers there within `seconds`, empty when one does. Raises `BrokerError` when the
    settings of the client are none."""
    problem = _problem(bootstrap_servers, seconds, file)
    encrypted = "ssl" in str(client_config(bootstrap_servers, file).get("security.protocol", "")).lower()
    if problem and not encrypted and wants_tls(bootstrap_servers):  # librdkafka tells it from no other lost connection
        return "no understanding with the broker: it wants TLS, and KAFKA_CLIENT_CONFIG names no file with it"
    return problem


def _problem(bootstrap_servers: str, seconds: float, file: str | Path) -> str:
    """What librdkafka can tell of it; the programs ask for it again and again while a broker starts."""
    said = [f"no Kafka broker answers on {bootstrap_servers}"]

    def note(error: KafkaError) -> None:
        if error.code() in (KafkaError._AUTHENTICATION, KafkaError._SSL):
            said.append(f"no understanding with the broker: {error.str()}")

    client = admin_client(bootstrap_servers, file, {"reconnect.backoff.max.ms": 200, "error_cb": note})
    try:
        client.list_topics(timeout=seconds)
        return ""
    except KafkaException:
        client.poll(0.1)  # calls note
        return said[-1]


def wants_tls(bootstrap_servers: str) -> bool:
    """True when the first of these servers answers a TLS handshake; who it says it is does not matter here."""
    host, _, port = bootstrap_servers.partition(",")[0].rpartition(":")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=1) as connection:
            context.wrap_socket(connection).close()
        return True
    except (OSError, ValueError):
        return False
