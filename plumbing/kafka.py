"""Settings that all Kafka clients share, and what the broker says about itself and about a topic."""

import os
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

import settings
from plumbing import Problem

BROKER_SECONDS = 3.0  # how long to wait for an answer
REFUSALS = (KafkaError._AUTHENTICATION, KafkaError._SSL)
# Errors of a client that say only that a connection failed: whether a broker answers is asked separately.
CONNECTION_ERRORS = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, *REFUSALS)
# Settings of a client that reads a topic from a place to its end, without joining a group.
READ_TO_END = {"enable.auto.commit": False, "enable.partition.eof": True, "fetch.wait.max.ms": 10}


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
        "log_level": 2,  # not librdkafka's lines about lost connections: the programs report them more clearly
    }
    return common | _read_properties(file or settings.CLIENT_CONFIG)


def _read_properties(file: str | Path) -> dict[str, str]:
    """The settings in a client.properties: `name=value` lines, `#` begins a comment."""
    if not file:
        return {}
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
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
        hint = f"correct {settings.CLIENT_CONFIG or 'the settings'}, or unset KAFKA_CLIENT_CONFIG"
        raise InvalidSettings(f"librdkafka rejects the settings: {error.args[0].str()}", hint) from None


def connect(kind: type, own: dict):
    """A Producer or Consumer with its `own` settings, for a program: invalid settings end it with one line."""
    try:
        return client(kind, client_config() | own)
    except InvalidSettings as problem:
        sys.exit(f"{problem}\n  -> {problem.hint}")


def admin_client(servers: str = "", file: str | Path = "", own: dict | None = None) -> AdminClient:
    """An AdminClient with client_config(servers, file) and its `own` settings. Raises `InvalidSettings`."""
    return client(AdminClient, client_config(servers, file) | (own or {}))


# Is there a broker?


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


# A topic


def read_to_end(consumer: Consumer, starts: Iterable[TopicPartition], seconds: float) -> Iterator[Message]:
    """The records from these places to the end of their partitions, as far as they are there now. The consumer needs
    the settings READ_TO_END. Raises KafkaException: also if the broker is silent for `seconds`."""
    starts = list(starts)
    unread = {start.partition for start in starts}
    consumer.assign(starts)  # by hand: no group, no rebalance
    try:
        while unread:
            message = consumer.poll(seconds)
            if message is None:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            if not message.error():
                yield message
            elif message.error().code() == KafkaError._PARTITION_EOF:
                unread.discard(message.partition())
            else:
                raise KafkaException(message.error())
    finally:
        consumer.unassign()


class Topic:
    """A topic as the broker describes it, asked through a client that joins no group.

    own       settings of the program's own client; `group.id`, if any, is the group whose lag is asked for
    blocking  calls a function that waits for the broker: web.in_thread under web.serve()
    """

    def __init__(self, name: str, own: dict, blocking: Callable = lambda function: function()):
        self.name = name
        self._blocking = blocking
        self._existed = self._vanished = False
        self._refusals: list[str] = []
        self._count, self._asked_at = 0, float("-inf")
        mine = {"client.id": own["client.id"], "group.id": own.get("group.id", own["client.id"])}
        self._client = connect(
            Consumer, mine | READ_TO_END | {"error_cb": lambda error: note_refusal(error, self._refusals)}
        )

    def partitions(self, max_age: float = 0.0) -> int:
        """How many partitions it has, by an answer of the broker that is at most `max_age` seconds old.
        Raises `Unavailable` without a broker or a topic."""
        if time.monotonic() - self._asked_at > max_age:
            self._count, self._asked_at = self._blocking(self._ask), time.monotonic()
        return self._count

    def problem(self, error: KafkaError | None = None) -> str:
        """What is missing and what to do about it, as sentences; "" if nothing is. `error` is what the program's own
        client reported: it counts if it is about more than a connection."""
        try:
            self.partitions()
        except Unavailable as missing:
            return f"{_capital(str(missing))}. {_capital(missing.hint)}."
        return "" if error is None or error.code() in CONNECTION_ERRORS else f"Kafka says: {error.str()}."

    def lag(self, position: dict[int, int | None]) -> dict[int, int | None]:
        """Partition -> events from that position to the end, None if the broker does not answer. Position None stands
        for the offset that the group has committed."""
        try:
            return {partition: self._lag(partition, offset) for partition, offset in position.items()}
        except KafkaException:
            return dict.fromkeys(position)

    def was_recreated(self, position: dict[int, int | None]) -> bool:
        """Whether it was deleted and created again since these positions were reached: it was missing in between, or
        it ends before them."""
        if self._vanished:
            self._vanished = False
            return True
        try:
            return any((offset or 0) > self._ends(partition)[1] for partition, offset in position.items())
        except KafkaException:
            return False

    def tail(self, records: int) -> list[Message]:
        """The last `records` of each partition. Raises `Unavailable`."""
        partitions = self.partitions(max_age=BROKER_SECONDS)
        return self._blocking(lambda: self._read_tail(partitions, records))

    def _read_tail(self, partitions: int, records: int) -> list[Message]:
        try:
            ends = {partition: self._ends(partition) for partition in range(partitions)}
            starts = [TopicPartition(self.name, p, max(low, high - records)) for p, (low, high) in ends.items()]
            return list(read_to_end(self._client, starts, BROKER_SECONDS))
        except KafkaException as error:
            raise Unavailable(f"the end of the topic {self.name} cannot be read: {error.args[0].str()}") from error

    def _ask(self) -> int:
        try:
            # All topics: asking for one by name may create it, with a single partition.
            topics = self._client.list_topics(timeout=BROKER_SECONDS).topics
        except KafkaException:
            self._client.poll(0)  # calls note_refusal
            raise no_broker(settings.BOOTSTRAP_SERVERS, self._refusals[-1] if self._refusals else "") from None
        self._refusals.clear()
        if self.name not in topics:
            self._vanished = self._existed
            hidden = ", or access rules hide it" if settings.CLIENT_CONFIG else ""
            hint = "create it: python run.py topic, or create_likes_topic.bat"
            raise Unavailable(f"the topic {self.name} is missing{hidden}", hint)
        self._existed = True
        return len(topics[self.name].partitions)

    def _lag(self, partition: int, offset: int | None) -> int:
        low, high = self._ends(partition)
        if offset is None:  # nothing read since the assignment: it continues from the committed offset
            here = TopicPartition(self.name, partition)
            committed = self._client.committed([here], timeout=BROKER_SECONDS)[0].offset
            offset = low if committed == OFFSET_INVALID else committed
        return max(high - offset, 0)

    def _ends(self, partition: int) -> tuple[int, int]:
        """The first offset, and the one after the last."""
        ends = self._client.get_watermark_offsets(TopicPartition(self.name, partition), timeout=BROKER_SECONDS)
        self._existed = True
        return ends


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def partition_of_key(key: str, partitions: int) -> int:
    """The partition to which an event with this key goes: Kafka's Java clients, and librdkafka's `murmur2_random`."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def murmur2(key: bytes) -> int:
    """The hash of Kafka's Java clients (org.apache.kafka.common.utils.Utils.murmur2): unsigned, 32 bits."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(key)
    whole = len(key) & ~3
    for start in range(0, whole, 4):
        k = int.from_bytes(key[start : start + 4], "little") * m & mask
        h = (h * m & mask) ^ ((k ^ k >> 24) * m & mask)
    if rest := key[whole:]:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15
