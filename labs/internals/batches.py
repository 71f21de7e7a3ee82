"""The record batches of a topic, as stored in the log. Producers send records in batches, brokers store them as they
are, and consumers get single records; no Kafka client shows the batches.

So this speaks Kafka's own protocol with the broker: Fetch, version 10, https://kafka.apache.org/protocol#The_Messages_Fetch;
the header of a batch: https://kafka.apache.org/37/documentation.html#recordbatch
"""

import contextlib
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from labs.internals.wire import Reader
from labs.topics import BROKER_SECONDS
from plumbing import Problem
from plumbing.kafka import client_config, security_protocol

FETCH, VERSION = 1, 10
MOST_BYTES = 2**20  # per answer; a larger batch comes alone
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")  # indexed by the last three bits of the attributes
HEADER = struct.Struct(">qiibIhiqqqhii")


@dataclass(frozen=True)
class Batch:
    """`size` is in bytes, with the header, as on disk. `producer_id` is -1 unless the producer is idempotent; then the
    broker assigned it to this run of the program."""

    partition: int
    offset: int
    records: int
    size: int
    codec: str
    producer_id: int


def batches_of(topic: str) -> list[Batch]:
    """All batches in the topic, by partition and offset; none if it does not exist. Raises KafkaException, and
    `Problem` if the broker requires TLS or a password, which are not supported here."""
    if security_protocol() != "PLAINTEXT":
        what = "the batches in the log can be read only on a broker without TLS and passwords"
        raise Problem(what, "unset KAFKA_CLIENT_CONFIG, and use the broker of python run.py")
    config = client_config()
    admin = AdminClient(config)
    known = admin.list_topics(timeout=BROKER_SECONDS)
    if topic not in known.topics:
        return []
    starts = {TopicPartition(topic, number): OffsetSpec.earliest() for number in sorted(known.topics[topic].partitions)}
    found = []
    with contextlib.ExitStack() as stack:
        connections: dict[int, socket.socket] = {}  # leader -> connection
        for start, future in admin.list_offsets(starts).items():
            leader = known.brokers[known.topics[topic].partitions[start.partition].leader]
            try:
                if leader.id not in connections:
                    address = _address(leader.host, leader.port, config["broker.address.family"])
                    connection = socket.create_connection(address, timeout=BROKER_SECONDS)
                    connections[leader.id] = stack.enter_context(connection)
                found += _batches(connections[leader.id], topic, start.partition, future.result().offset)
            except (OSError, struct.error) as error:
                raise KafkaException(KafkaError(KafkaError._TRANSPORT, f"the log cannot be read: {error}")) from error
    return found


def _address(host: str, port: int, family: str) -> tuple[str, int]:
    """The IPv4 address if clients use only IPv4: Windows needs 2 s to be refused by ::1."""
    return (socket.gethostbyname(host), port) if family == "v4" else (host, port)


def _batches(connection: socket.socket, topic: str, partition: int, offset: int) -> Iterator[Batch]:
    end = offset + 1
    while offset < end:
        end, records = _fetch(connection, topic, partition, offset)
        start = offset
        for batch, following in _parsed(partition, records):
            if following > offset:
                yield batch
            offset = following
        if offset == start:
            return


def _fetch(connection: socket.socket, topic: str, partition: int, offset: int) -> tuple[int, bytes]:
    """The high watermark, and the batches from this offset on, the last one perhaps incomplete."""
    name = topic.encode()
    request = struct.pack(">hhih", FETCH, VERSION, 0, -1)  # -1: no client id
    request += struct.pack(">iiiibii", -1, 0, 0, MOST_BYTES, 0, 0, -1)  # no replica, no wait, uncommitted, no session
    request += struct.pack(f">ih{len(name)}s", 1, len(name), name)
    request += struct.pack(">iiiqqi", 1, partition, -1, offset, -1, MOST_BYTES)
    request += struct.pack(">i", 0)  # nothing to forget
    connection.sendall(struct.pack(">i", len(request)) + request)
    with connection.makefile("rb") as answer:
        (size,) = struct.unpack(">i", answer.read(4))
        value = Reader(answer.read(size))
    value.int32(), value.int32()  # correlation id, throttle time
    problem = value.int16()
    value.int32(), value.int32(), value.string()  # session, one topic
    value.int32(), value.int32()  # one partition
    if problem := problem or value.int16():
        raise KafkaException(KafkaError(problem))
    end = value.int64()
    value.int64(), value.int64()  # last stable offset, first offset
    value.raw(16 * max(0, value.int32()))  # aborted transactions
    return end, value.blob() or b""


def _parsed(partition: int, data: bytes) -> Iterator[tuple[Batch, int]]:
    """Each complete batch, and the offset after it."""
    at = 0
    while at + HEADER.size <= len(data):
        offset, length, _, _, _, attributes, last, _, _, producer_id, _, _, records = HEADER.unpack_from(data, at)
        size = length + 12  # the offset and the length itself
        if at + size > len(data):
            return
        codec = CODECS[attributes & 7] if attributes & 7 < len(CODECS) else "unknown"
        yield Batch(partition, offset, records, size, codec, producer_id), offset + last + 1
        at += size
