"""Settings that all Kafka clients share, and the diagnosis when no broker answers."""

import os
import re
import socket
import ssl
import sys
import time
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata

import settings
from plumbing import Problem, advertised
from plumbing.address import addresses

BROKER_SECONDS = 3.0  # how long to wait for an answer of the broker
REFUSALS = (KafkaError._AUTHENTICATION, KafkaError._SSL)
# `sasl_ssl://kafka:9092/1: Failed to resolve ...`: a broker with its id, which a client learns from another broker.
BROKER_WITH_ID = re.compile(r"(?:\w+://)?\[?(?P<host>[^\s/]+?)\]?:(?P<port>\d+)/\d+: ")
# Errors that only say that a connection failed: the programs ask separately if a broker answers.
CONNECTION_ERRORS = (KafkaError._TRANSPORT, KafkaError._RESOLVE, KafkaError._ALL_BROKERS_DOWN, *REFUSALS)
# Settings that cannot be right for all clients of this project, and why.
REFUSED = {
    "api.version.request": "without it, librdkafka takes the broker for one of 2016",
    "group.instance.id": "the consumers would share it, and each would throw the others out of the group",
    "transactional.id": "the producers would wait for transactions that nobody begins",
}
# Errors of a user whom no access rule (ACL) allows what was asked.
NOT_AUTHORIZED = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)
# Errors of a call that got no answer.
NO_ANSWER = (KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN)


class Unavailable(Problem):
    """The broker, the topic or an answer is missing."""


class Refused(Unavailable):
    """TLS or the login fails."""


class Misdirected(Unavailable):
    """A broker answers, but sends its clients where they cannot go."""


class InvalidSettings(Problem):
    """librdkafka rejects settings, or KAFKA_CLIENT_CONFIG names a file that cannot be read."""


def client_config(servers: str = "", file: str | Path = "") -> dict:
    """What all clients of this project need, in librdkafka's names, and the settings of the client.properties `file`.

    Without `servers` and `file`, the broker of KAFKA_BOOTSTRAP_SERVERS and the file of KAFKA_CLIENT_CONFIG.
    Raises `InvalidSettings`.
    """
    common = {
        "bootstrap.servers": servers or settings.BOOTSTRAP_SERVERS,
        "broker.address.family": _address_family(servers or settings.BOOTSTRAP_SERVERS),
        "reconnect.backoff.max.ms": 1000,  # how soon a broker that is back is found; the default is 10 s
        # When a connection is dead and nobody says so (a laptop that slept): how long to wait for an answer on it.
        # The default is 60 s.
        "socket.timeout.ms": 6000,
        "log_level": 2,  # not librdkafka's lines about lost connections: the programs report them more clearly
    }
    chosen = _read_properties(file or settings.CLIENT_CONFIG)
    chosen.pop("bootstrap.servers", None)  # settings.py has read it; KAFKA_BOOTSTRAP_SERVERS wins
    return common | chosen


def _address_family(servers: str) -> str:
    """ "v4" where `localhost` is also ::1 and no broker listens there, otherwise "any".

    librdkafka tries a name's addresses in random order. Being refused at ::1 takes it seconds: 2 s on Windows until the
    connection fails, elsewhere until it has started over with the bootstrap servers.
    """
    (host, port), *_ = addresses(servers) or [("", 0)]
    if host.lower() != "localhost" or not port:
        return "any"
    if os.name != "nt":
        try:
            socket.create_connection(("::1", port), timeout=0.5).close()
            return "any"
        except OSError:
            pass
    try:  # as librdkafka asks: a computer that is offline may have no IPv4 address by this rule, not even 127.0.0.1
        socket.getaddrinfo(host, None, socket.AF_INET, flags=socket.AI_ADDRCONFIG)
    except OSError:
        return "any"
    return "v4"


def security_protocol() -> str:
    """PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL: what the client.properties of KAFKA_CLIENT_CONFIG asks for. Raises
    `InvalidSettings`."""
    return _read_properties(settings.CLIENT_CONFIG).get("security.protocol", "plaintext").upper()


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
    found = {name.strip(): value.strip() for name, value in pairs}
    if refused := REFUSED.keys() & found:
        name = min(refused)
        what = f"KAFKA_CLIENT_CONFIG ({file}) sets {name}: {REFUSED[name]}"
        raise InvalidSettings(what, "remove that line: the file is for all clients")
    return found


def client(kind: type, config: dict):
    """A Producer, Consumer or AdminClient. Raises `InvalidSettings`. (A client that finds no broker is not an
    error: it keeps trying.)"""
    try:
        return kind(config)
    except KafkaException as error:
        why = error.args[0].str()
        if not settings.CLIENT_CONFIG:
            raise InvalidSettings(f"a setting is invalid: {why}", "correct CONFIG in the program") from None
        hint = f"correct {settings.CLIENT_CONFIG}, or unset KAFKA_CLIENT_CONFIG"
        raise InvalidSettings(f"KAFKA_CLIENT_CONFIG is invalid: {why}", hint) from None


def connect(kind: type, own: dict):
    """A client with its `own` settings, for a program: invalid settings end it with one line."""
    try:
        return client(kind, client_config(own.get("bootstrap.servers", "")) | own)
    except InvalidSettings as problem:
        sys.exit(problem.line())


def not_confirmed(error: KafkaError) -> Unavailable:
    """What to answer when this is the delivery report of an event."""
    hint = f"see what is wrong ({settings.DIAGNOSE}), then click again"
    if error.code() == KafkaError.INVALID_TIMESTAMP:
        hint = "set the clock of this computer, or of the broker's, then click again"
    return Unavailable(f"the broker did not confirm the like: {report_of(error)}", hint)


def report_of(error: KafkaError) -> str:
    """The reason in a delivery report."""
    if error.code() == KafkaError.INVALID_TIMESTAMP:
        return "this computer's clock is too far from the broker's, which rejects events with this timestamp"
    timed_out = error.code() in (KafkaError._MSG_TIMED_OUT, KafkaError._TIMED_OUT)
    return "no answer from it in time" if timed_out else error.str()


def admin_client(servers: str = "", file: str | Path = "", own: dict | None = None) -> AdminClient:
    """An AdminClient with client_config(servers, file) and its `own` settings. Raises `InvalidSettings`."""
    return client(AdminClient, client_config(servers, file) | (own or {}))


def answers(servers: str, seconds: float = BROKER_SECONDS, file: str | Path = "") -> bool:
    """True if a Kafka broker answers a metadata request there within `seconds`. Raises `InvalidSettings`, and
    `Misdirected` if one does and cannot be used."""
    problem = _problem(servers, seconds, file)
    if isinstance(problem, Misdirected):
        raise problem
    return problem is None


def broker_problem(servers: str, seconds: float = BROKER_SECONDS) -> Unavailable | None:
    """Why no Kafka broker answers there within `seconds`, None if one does. Raises `InvalidSettings`."""
    problem = _problem(servers, seconds)
    if problem is None or isinstance(problem, Misdirected):
        return problem
    encrypted = "SSL" in security_protocol()
    if not encrypted and _expects_tls(servers):  # to librdkafka it looks like any lost connection
        return no_broker(servers, "the broker expects TLS, and KAFKA_CLIENT_CONFIG names no file that sets it")
    return problem


def _problem(servers: str, seconds: float, file: str | Path = "") -> Unavailable | None:
    errors = Errors()
    patience = {"reconnect.backoff.max.ms": 200, "socket.connection.setup.timeout.ms": max(1000, int(700 * seconds))}
    own = patience | {"error_cb": errors}
    asking = admin_client(servers, file, own)
    give_up_at = time.monotonic() + seconds
    while True:
        try:
            answer = asking.list_topics(timeout=min(seconds, BROKER_SECONDS))
            check_advertised(servers, answer)
            if answer.brokers:
                return None
            asking = admin_client(servers, file, own)  # it is starting: see renewal.renewed()
        except Misdirected as problem:
            return problem
        except KafkaException:
            pass
        asking.poll(0.1)  # calls error_cb
        if errors.refusal or errors.unreached or time.monotonic() > give_up_at:
            return errors.diagnosis(servers)


class Errors:
    """A client's `error_cb`: what it learns about the broker until that answers."""

    def __init__(self):
        self.refusal = ""  # why the broker rejected our password, or we its certificate
        self.unreached: set[advertised.Address] = set()

    def __call__(self, error: KafkaError) -> None:
        if error.code() in REFUSALS:
            self.refusal = error.str()
        elif named := BROKER_WITH_ID.match(error.str()):
            self.unreached.add((named["host"], int(named["port"])))

    def diagnosis(self, servers: str) -> Unavailable:
        """Why the client gets no answer."""
        if self.refusal or not self.unreached:
            return no_broker(servers, self.refusal)
        wrong = advertised.problem(servers, self.unreached)
        return _misdirected(servers, wrong) if wrong else no_broker(servers)


def check_advertised(servers: str, metadata: ClusterMetadata) -> None:
    """Raises `Misdirected` if this answer of `servers` names only brokers that cannot be reached."""
    if wrong := advertised.problem(servers, {(broker.host, broker.port) for broker in metadata.brokers.values()}):
        raise _misdirected(servers, wrong)


def _misdirected(servers: str, wrong: str) -> Misdirected:
    hint = f"let the broker advertise an address that works from here, such as {servers.partition(',')[0]}"
    return Misdirected(f"the broker on {servers} sends its clients (advertised.listeners) to {wrong}", hint)


def no_broker(servers: str, refusal: str = "") -> Unavailable:
    """The diagnosis when a client gets no answer; `refusal` is the reason if TLS or the login failed."""
    if refusal:
        hint = "check the file that KAFKA_CLIENT_CONFIG names: TLS, password, certificate"
        return Refused(f"TLS or authentication failed: {refusal}", hint)
    start = settings.START_KAFKA or "python run.py, or start_kafka.bat"  # a session has taken the ports of another one
    return Unavailable(f"no broker answers on {servers}", f"start it: {start}")


def _expects_tls(servers: str) -> bool:
    """True if the first of these servers answers a TLS handshake, with whatever certificate."""
    address, *_ = addresses(servers) or [("", 0)]
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(address, timeout=1) as connection:
            context.wrap_socket(connection).close()
        return True
    except (OSError, ValueError):
        return False
