"""Committed offsets: which topic they belong to, and if its log still has them."""

import contextlib

from confluent_kafka import Consumer, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from plumbing.kafka import BROKER_SECONDS

LABEL = "topic "  # before the topic's id, in the metadata of a committed offset


def label_of(topic_id) -> str:
    """What consumer.py puts into the metadata of an offset that it commits for the topic with this id."""
    return f"{LABEL}{topic_id}"


def is_of_another(committed: TopicPartition, label: str) -> bool:
    """True if this offset was committed for a topic with another label."""
    return (committed.metadata or "").startswith(LABEL) and committed.metadata != label


def beyond_end(admin: AdminClient, committed: list[TopicPartition]) -> list[TopicPartition]:
    """Those of the committed offsets that are beyond the end of their partition, as far as its leader answers."""
    return [place for place, _missing in _beyond_end(admin, committed)]


def missing_events(admin: AdminClient, group: Consumer, topic: str) -> dict[int, int]:
    """Partition -> how many events it has fewer than the group of this client has read; without those that have all.
    Raises KafkaException."""
    now = admin.describe_topics(TopicCollection([topic]), request_timeout=BROKER_SECONDS)[topic].result()
    places = [TopicPartition(topic, partition.id) for partition in now.partitions]
    # Not by the AdminClient: its list_consumer_group_offsets crashes where the group's coordinator does not answer.
    found = group.committed(places, timeout=BROKER_SECONDS)
    committed = [place for place in found if not is_of_another(place, label_of(now.topic_id))]
    return {place.partition: missing for place, missing in _beyond_end(admin, committed)}


def _beyond_end(admin: AdminClient, committed: list[TopicPartition]) -> list[tuple[TopicPartition, int]]:
    """With how many events are missing. (All are asked at the same time: a rebalance waits for this.)"""
    latest = {TopicPartition(c.topic, c.partition): OffsetSpec.latest() for c in committed if c.offset > 0}
    ends = {}
    with contextlib.suppress(KafkaException):
        asked = admin.list_offsets(latest, request_timeout=BROKER_SECONDS) if latest else {}
        for place, answer in asked.items():
            with contextlib.suppress(KafkaException):
                ends[place.partition] = answer.result().offset
    missing = [(place, place.offset - ends.get(place.partition, place.offset)) for place in committed]
    return [(place, count) for place, count in missing if count > 0]
