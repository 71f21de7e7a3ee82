"""librdkafka's mock cluster: a broker in the memory of this process, ready in milliseconds.

For fast tests, injected faults and a machine without network. It is not Apache Kafka: nothing is kept,
it does not describe groups, and after a member has gone its partitions wait for the session timeout.
https://github.com/confluentinc/librdkafka/blob/master/src/rdkafka_mock.h
"""

import ctypes
from pathlib import Path

import confluent_kafka
import confluent_kafka.cimpl

TOPIC, PARTITIONS = "likes", 3
RD_KAFKA_PRODUCER = 0  # rd_kafka_type_t


class SimulatedBroker:
    """One simulated broker on a random port of the loopback interface."""

    def __enter__(self) -> "SimulatedBroker":
        library, pointer = _librdkafka(), ctypes.c_void_p
        problem, size = ctypes.create_string_buffer(512), ctypes.c_size_t(512)
        settings = pointer(library.rd_kafka_conf_new())
        library.rd_kafka_conf_set(settings, b"log_level", b"0", problem, size)
        self._client = pointer(library.rd_kafka_new(RD_KAFKA_PRODUCER, settings, problem, size))
        assert self._client, problem.value.decode()
        self._cluster = pointer(library.rd_kafka_mock_cluster_new(self._client, 1))
        library.rd_kafka_mock_topic_create(self._cluster, TOPIC.encode(), PARTITIONS, 1)
        self.bootstrap_servers = library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        return self

    def __exit__(self, *_exception) -> None:
        library = _librdkafka()
        library.rd_kafka_mock_cluster_destroy(self._cluster)
        library.rd_kafka_destroy(self._client)

    def set_down(self, down: bool = True) -> None:
        """Refuse connections, as a broker that has died; with False, take them again."""
        getattr(_librdkafka(), f"rd_kafka_mock_broker_set_{'down' if down else 'up'}")(self._cluster, 1)


def _librdkafka() -> ctypes.CDLL:
    """The librdkafka that confluent-kafka brings along; a function returns an int unless it is named here."""
    library = ctypes.CDLL(str(_library_file()))
    for name in ("conf_new", "new", "mock_cluster_new"):
        getattr(library, f"rd_kafka_{name}").restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    return library


def _library_file() -> Path:
    """Wheels put the library beside the package (Linux, Windows) or inside it (macOS); otherwise the
    extension module was linked with the system's and leads to it."""
    package = Path(confluent_kafka.__file__).parent
    for folder in (package.parent / "confluent_kafka.libs", package / ".dylibs", package):
        found = [file for file in folder.glob("*librdkafka*") if "rdkafka++" not in file.name]
        if found:
            return found[0]
    return Path(confluent_kafka.cimpl.__file__)
