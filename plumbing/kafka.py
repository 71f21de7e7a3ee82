"""Settings that all Kafka clients share, and the diagnosis when no broker answers."""

import os
import socket
import ssl
import sys
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

import settings
from plumbing import Problem

BROKER_SECONDS = 3.0  # how long to wait for an answer
REFUSALS = (KafkaError._AUTHENTICATION, KafkaError._SSL)
# Errors of a client that say only that a connection failed: whether a broker answers is asked separately.
CONNECTION_ERRORS = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, *REFUSALS)


class Unavailable(Problem):
    """The broker, the topic or an answer is missing."""


class InvalidSettings(Problem):
    """KAFKA_CLIENT_CONFIG names a file that cannot be read, or that librdkafka rejects."""


def client_config(servers: str = "", file: str | Path = "") -> dict:
    """What all clients of this project need, in librdkafka's names, and the settings of the client.properties `file`.

    Without `servers` and `file`, the broker of KAFKA_BOOTSTRAP_SERVERS and the file of KAFKA_CLIENT_CONFIG.
    Raises `InvalidSettings`.
    """
    common = {
        "bootstrap.servers": servers or settings.BOOTSTRAP_SERVERS,
        # On Windows `localhost` is ::1 first, where no broker listens, and to be refused there takes 2 s.
        "broker.address.family": "v4" if os.name == "nt" else "any",
        "reconnect.backoff.max.ms": 1000,  # how soon a broker that is back is found; the default is 10 s
        # After a refused connection, try the name's next address. librdkafka's default is to start over with the
        # bootstrap servers: where `localhost` is ::1 and 127.0.0.1, it then may meet ::1 again for seconds.
        "metadata.recovery.strategy": "none",
        "log_level": 2,  # not librdkafka's lines about lost connections: the programs report them more clearly
    }
    chosen = _read_properties(file or settings.CLIENT_CONFIG)
    chosen.pop("bootstrap.servers", None)  # settings.py has read it; KAFKA_BOOTSTRAP_SERVERS wins
    return common | chosen


def _read_properties(file: str | Path) -> dict[str, str]:
    """The settings in a client.properties: `name=value` lines, `#` begins a comment."""
    if not file:
        return {}
    try:
        lines = Path(file).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        hint = "name another file with KAFKA_CLIENT_CONFIG, or unset it"
        raise InvalidSettings(f"KAFKA_CLIENT_CONFIG cannot be read: {error}", hint) from None
    pairs = [line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#")]
    return {name.strip(): value.strip() for name, value in pairs}


def client(kind: type, config: dict):
    """A Producer, Consumer or AdminClient. Raises `InvalidSettings`. (A client that finds no broker is not an
    error: it keeps trying.)"""
    try:
        return kind(config)
    except KafkaException as error:
        hint = f"correct {settings.CLIENT_CONFIG}, or unset KAFKA_CLIENT_CONFIG"
        raise InvalidSettings(f"KAFKA_CLIENT_CONFIG is invalid: {error.args[0].str()}", hint) from None


def connect(kind: type, own: dict):
    """A client with its `own` settings, for a program: invalid settings end it with one line."""
    try:
        return client(kind, client_config() | own)
    except InvalidSettings as problem:
        sys.exit(problem.line())


def admin_client(servers: str = "", file: str | Path = "", own: dict | None = None) -> AdminClient:
    """An AdminClient with client_config(servers, file) and its `own` settings. Raises `InvalidSettings`."""
    return client(AdminClient, client_config(servers, file) | (own or {}))


def answers(servers: str, seconds: float = BROKER_SECONDS, file: str | Path = "") -> bool:
    """Whether a Kafka broker answers a metadata request there within `seconds`. Raises `InvalidSettings`."""
    return _problem(servers, seconds, file) is None


def broker_problem(servers: str, seconds: float = BROKER_SECONDS, file: str | Path = "") -> Unavailable | None:
    """Why no Kafka broker answers there within `seconds`, None if one does. Raises `InvalidSettings`."""
    problem = _problem(servers, seconds, file)
    encrypted = "ssl" in str(client_config(servers, file).get("security.protocol", "")).lower()
    if problem and not encrypted and _expects_tls(servers):  # to librdkafka it looks like any lost connection
        return no_broker(servers, "the broker expects TLS, and KAFKA_CLIENT_CONFIG names no file that sets it")
    return problem


def _problem(servers: str, seconds: float, file: str | Path) -> Unavailable | None:
    refusals: list[str] = []
    own = {"reconnect.backoff.max.ms": 200, "error_cb": lambda error: note_refusal(error, refusals)}
    asking = admin_client(servers, file, own)
    try:
        asking.list_topics(timeout=seconds)
        return None
    except KafkaException:
        asking.poll(0.1)  # calls note_refusal
        return no_broker(servers, refusals[-1] if refusals else "")


def note_refusal(error: KafkaError, refusals: list[str]) -> None:
    """Append the reason if the broker rejected our password, or we its certificate: for a client's `error_cb`."""
    if error.code() in REFUSALS:
        refusals.append(error.str())


def no_broker(servers: str, refusal: str = "") -> Unavailable:
    """The diagnosis when a client gets no answer; `refusal` is the reason if TLS or the login failed."""
    if refusal:
        hint = "check the file that KAFKA_CLIENT_CONFIG names: TLS, password, certificate"
        return Unavailable(f"TLS or authentication failed: {refusal}", hint)
    return Unavailable(f"no broker answers on {servers}", "start it: python run.py, or start_kafka.bat")


def _expects_tls(servers: str) -> bool:
    """Whether the first of these servers answers a TLS handshake; whose certificate it has does not matter here."""
    host, _, port = servers.partition(",")[0].rpartition(":")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=1) as connection:
            context.wrap_socket(connection).close()
        return True
    except (OSError, ValueError):
        return False
