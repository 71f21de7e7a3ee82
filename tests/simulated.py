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
        library = _librdkafka()
        problem = ctypes.create_string_buffer(512)
        settings = library.rd_kafka_conf_new()
        library.rd_kafka_conf_set(settings, b"log_level", b"0", problem, len(problem))
        self._client = library.rd_kafka_new(RD_KAFKA_PRODUCER, settings, problem, len(problem))
        assert self._client, problem.value.decode()
        self._cluster = library.rd_kafka_mock_cluster_new(self._client, 1)
        library.rd_kafka_mock_topic_create(self._cluster, TOPIC.encode(), PARTITIONS, 1)
        self.bootstrap_servers = library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        return self

    def __exit__(self, *_exception) -> None:
        library = _librdkafka()
        library.rd_kafka_mock_cluster_destroy(self._cluster)
        library.rd_kafka_destroy(self._client)

    def set_down(self, down: bool = True) -> None:
        """Refuse connections, as a broker that has died; with False, take them again."""
        change = _librdkafka().rd_kafka_mock_broker_set_down if down else _librdkafka().rd_kafka_mock_broker_set_up
        change(self._cluster, 1)


def _librdkafka() -> ctypes.CDLL:
    """The librdkafka that confluent-kafka brings along, with the signatures of what is called here."""
    library = ctypes.CDLL(str(_library_file()))
    pointer = ctypes.c_void_p
    signatures = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (
            ctypes.c_int,
            [pointer, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t],
        ),
        "rd_kafka_new": (pointer, [ctypes.c_int, pointer, ctypes.c_char_p, ctypes.c_size_t]),
        "rd_kafka_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, ctypes.c_int]),
        "rd_kafka_mock_cluster_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (ctypes.c_char_p, [pointer]),
        "rd_kafka_mock_topic_create": (ctypes.c_int, [pointer, ctypes.c_char_p, ctypes.c_int, ctypes.c_int]),
        "rd_kafka_mock_broker_set_down": (ctypes.c_int, [pointer, ctypes.c_int32]),
        "rd_kafka_mock_broker_set_up": (ctypes.c_int, [pointer, ctypes.c_int32]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
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
