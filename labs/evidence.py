"""What the checks ask the broker, once each."""

import json
from functools import cache

from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from labs import click, topics
from labs.internals import batches, epochs, groups, history, queues
from plumbing.kafka import client_config
from plumbing.like import parse_like

LIKES_READ = 50_000  # per partition: more than the page's largest burst writes


class Evidence:
    """The current state of the cluster, and its logs. Methods raise KafkaException."""

    def __init__(self):
        self.admin = AdminClient(client_config())
        self.partitions = cache(lambda topic: topics.partitions_of(topic, self.admin))
        self._groups = cache(groups.known)
        self.history = cache(lambda group: history.of(group, self._groups()))
        self.epochs = cache(lambda group: epochs.of(group, self._groups()))
        self.queue = cache(lambda group, topic: queues.of(group, topic, self.admin))
        self.records = cache(self._records)
        self.batches = cache(batches.batches_of)  # also raises Problem
        self.clicks = cache(lambda: click.saved_for(click.topic_id()))  # the producer's answers, oldest first

    @staticmethod
    def _records(topic: str, isolation: str = "read_uncommitted") -> list[Message]:
        """The last records of each partition, by timestamp."""
        found = topics.read(topic, LIKES_READ, isolation)
        return sorted(found, key=lambda record: (record.timestamp()[1], record.partition(), record.offset()))

    def ends(self, topic: str) -> dict[int, int]:
        """Partition -> the offset of its next record."""
        return self._offsets(topic, OffsetSpec.latest())

    def starts(self, topic: str) -> dict[int, int]:
        """Partition -> the offset at which its log starts: 0 until the broker deletes records."""
        return self._offsets(topic, OffsetSpec.earliest())

    def _offsets(self, topic: str, which: OffsetSpec) -> dict[int, int]:
        wanted = {TopicPartition(topic, number): which for number in range(self.partitions(topic))}
        offsets = self.admin.list_offsets(wanted) if wanted else {}
        return {p.partition: future.result().offset for p, future in offsets.items()}

    def passed(self, group: str, topic: str) -> dict[int, int]:
        """Partition -> the highest offset that the group has committed, even if it was moved back later. In a deleted
        topic of the same name, its consumers had another label."""
        return {p: _highest(commits) for p, commits in self.history(group).commits_of(topic).items()}

    @staticmethod
    def committed_for_good(group: str, topic: str) -> dict[int, int]:
        """As `committed`, without offsets from transactions that are open or were aborted."""
        consumer = Consumer(client_config() | {"group.id": group})
        try:
            partitions = [TopicPartition(topic, number) for number in range(topics.partitions_of(topic))]
            found = consumer.committed(partitions, topics.BROKER_SECONDS) if partitions else []
            return {p.partition: p.offset for p in found if p.offset >= 0}
        finally:
            consumer.close()


def _highest(commits: list[history.Commit]) -> int:
    label = next((commit.metadata for commit in reversed(commits) if commit.is_read), None)
    return max(commit.offset for commit in [*(one for one in commits if one.metadata == label), commits[-1]])


def order_of(record: Message) -> int | None:
    """The `order` in a record; None unless it is an integer."""
    try:
        order = json.loads(record.value())["order"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return order if type(order) is int else None


def is_like(record: Message) -> bool:
    """True if consumer.py can read it."""
    try:
        parse_like(record.value())
    except ValueError:
        return False
    return True
