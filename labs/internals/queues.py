"""How far a share group is, read from Kafka's internal topic `__share_group_state`.

There the broker keeps, for each share group and partition, the start offset and the state of the records from there on.
The record formats: ShareSnapshotKey, ShareSnapshotValue and ShareUpdateValue in
https://github.com/apache/kafka/tree/4.2/share-coordinator/src/main/resources/common/message
"""

import base64
from dataclasses import dataclass

from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient

from labs.internals.history import partition_of
from labs.internals.wire import Reader
from labs.topics import BROKER_SECONDS, partitions_of, read
from plumbing.topic import insist

TOPIC = "__share_group_state"
SNAPSHOT, UPDATE = 0, 1


@dataclass(frozen=True)
class Progress:
    """A share group's progress in a partition: all records before `start` are finished (accepted, rejected or given
    up), and `complete` records from there on."""

    start: int
    complete: int

    def lag(self, end: int) -> int:
        """Unfinished records; `end` is the offset of the next record."""
        return max(0, end - self.start - self.complete)


def of(group: str, topic: str, admin: AdminClient, partition: int = 0) -> Progress | None:
    """None before the group's first member, and after a reset. Raises KafkaException."""
    count = partitions_of(TOPIC, admin)
    if not count or not partitions_of(topic, admin):
        return None
    asked = TopicCollection([topic])
    described = insist(lambda: admin.describe_topics(asked, request_timeout=BROKER_SECONDS)[topic].result())
    topic_id = str(described.topic_id).replace("+", "-").replace("/", "_")  # as Java writes it
    state_key = f"{group}:{topic_id}:{partition}"
    found = None
    for record in read(TOPIC, only=partition_of(state_key, count)):
        key = Reader(record.key())
        kind = key.int16()
        if kind in (SNAPSHOT, UPDATE) and key.string() == group and _is_of(key, topic_id, partition):
            found = progress(kind, record.value(), found) if record.value() else None
    return found


def _is_of(key: Reader, topic_id: str, partition: int) -> bool:
    return base64.urlsafe_b64encode(key.raw(16)).decode().rstrip("=") == topic_id and key.int32() == partition


def progress(kind: int, value: bytes, before: Progress | None) -> Progress:
    """The state after this record, given the state `before`."""
    reader = Reader(value)
    reader.int16()  # version
    reader.int32()  # snapshot epoch
    if kind == SNAPSHOT:
        reader.int32()  # state epoch
    reader.int32()  # leader epoch
    start = reader.int64()
    if kind == SNAPSHOT:
        reader.int64(), reader.int64()  # created, written
    for _ in range(reader.count()):
        reader.int64(), reader.int64(), reader.int8(), reader.int16(), reader.tags()
    complete = reader.tags().get(0)
    if start < 0 and before:  # unchanged by this record
        start = before.start
    return Progress(max(0, start), max(0, Reader(complete).int32()) if complete else 0)
