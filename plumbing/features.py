"""What a cluster can do, as its brokers say: the features of `kafka-features`, such as `group.version`.

librdkafka asks for them, too, but does not give them to its users.
"""

import contextlib
import socket
import ssl
import struct

from plumbing.kafka import client_config
from plumbing.wire import Reader

SECONDS = 2.0
# ApiVersions, version 3, which each Kafka since 2.4 answers, also before a login.
REQUEST = struct.pack(">hhih", 18, 3, 1, -1) + b"\0\x0fhands-on-kafka\x021\0"
FINALIZED = 2  # the tag of the features on which the cluster has agreed
METADATA_OF_4 = 22  # the metadata.version that began with Kafka 4.0


def features(servers: str = "", file: str = "") -> dict[str, int]:
    """Feature -> its version, as {"metadata.version": 19}; empty if no broker answers. Arguments as of
    `client_config`."""
    config = client_config(servers, file)
    encrypted = "ssl" in str(config.get("security.protocol", "")).lower()
    for server in config["bootstrap.servers"].split(","):
        for tls in [True] if encrypted else [False, True]:
            with contextlib.suppress(OSError, ValueError, struct.error, IndexError):
                return _features(_ask(server.strip(), tls))
    return {}


def is_kafka_4(found: dict[str, int]) -> bool:
    """Whether these are the features of a Kafka 4.0 or newer."""
    return found.get("metadata.version", 0) >= METADATA_OF_4


def _ask(server: str, tls: bool) -> bytes:
    host, _, port = server.rpartition("://")[2].rpartition(":")
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS))
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is asked for nothing secret
            connection = stack.enter_context(context.wrap_socket(connection))
        connection.sendall(struct.pack(">i", len(REQUEST)) + REQUEST)
        answer = stack.enter_context(connection.makefile("rb"))
        (size,) = struct.unpack(">i", answer.read(4))
        return answer.read(size)


def _features(answer: bytes) -> dict[str, int]:
    value = Reader(answer)
    value.int32()  # which request it answers
    if value.int16():  # an error: a Kafka that does not know this version of the request
        return {}
    for _ in range(value.count()):  # which requests the broker knows
        value.int16(), value.int16(), value.int16(), value.tags()
    value.int32()  # throttle time
    listed = Reader(value.tags().get(FINALIZED, b"\1"))
    found = {}
    for _ in range(listed.count()):
        name, version = listed.compact_string(), listed.int16()
        listed.int16(), listed.tags()
        found[name] = version
    return found
