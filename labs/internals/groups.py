"""The records of Kafka's internal topic `__consumer_offsets`, by group.

It may have a single partition, in which each group has its records among those of all others. So it is read once for
all groups, and the next look reads only what has come since then.
"""

import re
import struct
from typing import NamedTuple

from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient

from labs.topics import BROKER_SECONDS, TRIAL, partitions_of, read
from plumbing.kafka import client_config
from plumbing.topic import insist

TOPIC = "__consumer_offsets"
OF_A_TRIAL = re.compile(rf"-{TRIAL}[\da-f]+-".encode())  # a judge's: nobody asks for these, and they are many


class Record(NamedTuple):
    key: bytes
    value: bytes | None
    at_ms: int


class Groups:
    """What the broker has of each group, as far as it was looked at."""

    def __init__(self):
        self._topic_id = ""
        self._next: dict[int, int] = {}  # partition -> the offset from which to read on
        self._records: dict[bytes, list[Record]] = {}  # by group, oldest first

    def look(self) -> None:
        """Read what has come since the last look. Raises KafkaException."""
        admin = AdminClient(client_config())
        if not partitions_of(TOPIC, admin):
            return
        asked = TopicCollection([TOPIC])
        described = insist(lambda: admin.describe_topics(asked, request_timeout=BROKER_SECONDS)[TOPIC].result())
        if self._topic_id != str(described.topic_id):  # another broker, or one whose data was wiped
            self._topic_id, self._next, self._records = str(described.topic_id), {}, {}
        for record in read(TOPIC, since=self._next):
            self._next[record.partition()] = record.offset() + 1
            key = record.key()
            group = _group(key)
            if not OF_A_TRIAL.search(group):
                self._records.setdefault(group, []).append(Record(key, record.value(), record.timestamp()[1]))

    def of(self, group: str) -> list[Record]:
        return self._records.get(group.encode(), [])


def _group(key: bytes) -> bytes:
    """All keys begin with their version and the group."""
    (size,) = struct.unpack_from(">h", key, 2)
    return key[4 : 4 + size]


_known = Groups()


def known() -> Groups:
    """What the broker has now. Raises KafkaException."""
    _known.look()
    return _known
