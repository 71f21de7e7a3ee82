"""Committed offsets: which topic they belong to, and if its log still has them."""

import contextlib

from confluent_kafka import KafkaException, TopicPartition
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
    """Those of the committed offsets that are beyond the end of their partition, as far as its leader answers. (All
    are asked at the same time: a rebalance waits for this.)"""
    latest = {TopicPartition(c.topic, c.partition): OffsetSpec.latest() for c in committed if c.offset > 0}
    ends = {}
    with contextlib.suppress(KafkaException):
        asked = admin.list_offsets(latest, request_timeout=BROKER_SECONDS) if latest else {}
        for place, answer in asked.items():
            with contextlib.suppress(KafkaException):
                ends[place.partition] = answer.result().offset
    return [place for place in committed if place.offset > ends.get(place.partition, place.offset)]
