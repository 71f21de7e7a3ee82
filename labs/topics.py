"""What the programs of the labs share: names of topics and groups that are the learner's own, and reading a topic."""

import time
from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from plumbing.kafka import client_config
from plumbing.topic import READ_TO_END, create, read_to_end
from settings import LEARNER

BROKER_SECONDS = 15.0
LEADER_SECONDS = 3.0  # for one question to the leader of a partition


def named(what: str) -> str:
    """A topic or group of this learner: `labs-keys`."""
    return f"{LEARNER}-{what}"


def make_topic(topic: str, partitions: int, settings: dict[str, str] | None = None) -> None:
    """Create the topic unless it exists. Raises KafkaException."""
    create(AdminClient(client_config()), topic, partitions, settings)


def partitions_of(topic: str, admin: AdminClient | None = None) -> int:
    """How many partitions the topic has, 0 if there is none of this name."""
    # All topics: asking for one by name may create it, with a single partition.
    admin = AdminClient(client_config()) if admin is None else admin  # `or` would not do: an idle client has length 0
    known = admin.list_topics(timeout=BROKER_SECONDS).topics
    return len(known[topic].partitions) if topic in known else 0


def read(
    topic: str, last: int | None = None, isolation: str = "read_uncommitted", only: int | None = None
) -> Iterator[Message]:
    """The records of the topic as far as they are there now, or the `last` of each partition, or those of the
    partition `only`; none if there is no such topic. Reads without joining a group. Raises KafkaException."""
    reading = READ_TO_END | {"group.id": named("onlooker"), "isolation.level": isolation}
    consumer = Consumer(client_config() | reading)
    try:
        places = []
        for partition in range(partitions_of(topic)) if only is None else [only]:
            place = TopicPartition(topic, partition)
            low, high = _watermarks(consumer, place)
            if high > low:
                places.append(TopicPartition(topic, partition, low if last is None else max(low, high - last)))
        yield from read_to_end(consumer, places, BROKER_SECONDS)
    finally:
        consumer.close()


def _watermarks(consumer: Consumer, place: TopicPartition) -> tuple[int, int]:
    """The first offset of the partition and the one after the last; waits while the partition has no leader, as
    for a moment after a broker did not answer. Raises KafkaException."""
    give_up_at = time.monotonic() + BROKER_SECONDS
    while True:
        try:
            return consumer.get_watermark_offsets(place, LEADER_SECONDS)
        except KafkaException:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.2)
