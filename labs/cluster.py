"""What the programs of the labs share: the broker, and names of topics and groups that are the learner's own."""

import time
from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from plumbing.kafka import client_config
from settings import BOOTSTRAP_SERVERS, CONSUMER_PORT, GROUP, LEARNER, PRODUCER_PORT, TOPIC  # noqa: F401

BROKER_SECONDS = 15.0
LEADER_SECONDS = 3.0  # for one question to the leader of a partition


def named(what: str) -> str:
    """A topic or group of this learner: `labs-keys`."""
    return f"{LEARNER}-{what}"


def config(**settings) -> dict:
    """Settings of a client of the broker, in librdkafka's names; `group_id` stands for `group.id`."""
    return client_config(BOOTSTRAP_SERVERS) | {name.replace("_", "."): value for name, value in settings.items()}


def make_topic(topic: str, partitions: int, **settings: str) -> None:
    """Create the topic unless it is there. Raises KafkaException."""
    settings = {name.replace("_", "."): value for name, value in settings.items()}
    admin = AdminClient(config())
    try:
        # Replicas: what the broker has as its default, 1 where it is alone.
        admin.create_topics([NewTopic(topic, partitions, -1, config=settings)])[topic].result()
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def partitions_of(topic: str, admin: AdminClient | None = None) -> int:
    """How many partitions the topic has, 0 when there is none of this name."""
    # All topics: asking for one by name may create it, with a single partition.
    admin = AdminClient(config()) if admin is None else admin  # an idle one has the length 0, and so is False
    known = admin.list_topics(timeout=BROKER_SECONDS).topics
    return len(known[topic].partitions) if topic in known else 0


def read(
    topic: str, last: int | None = None, isolation: str = "read_uncommitted", only: int | None = None
) -> Iterator[Message]:
    """The records of the topic as far as they are there now, or the `last` of each partition, or those of the
    partition `only`; none when there is no such topic. Reads without joining a group. Raises KafkaException."""
    consumer = Consumer(
        config(
            group_id=named("onlooker"),
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            enable_partition_eof=True,
            fetch_wait_max_ms=10,  # so long the broker waits for more before it says that this was all
            isolation_level=isolation,
        )
    )
    try:
        unread = set()
        places = []
        for partition in range(partitions_of(topic)) if only is None else [only]:
            place = TopicPartition(topic, partition)
            low, high = _watermarks(consumer, place)
            if high > low:
                unread.add(partition)
                places.append(TopicPartition(topic, partition, low if last is None else max(low, high - last)))
        consumer.assign(places)
        while unread:
            message = consumer.poll(BROKER_SECONDS)
            if message is None:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"{topic} cannot be read"))
            if not message.error():
                yield message
            elif message.error().code() == KafkaError._PARTITION_EOF:
                unread.discard(message.partition())
            else:
                raise KafkaException(message.error())
    finally:
        consumer.close()


def _watermarks(consumer: Consumer, place: TopicPartition) -> tuple[int, int]:
    """The first offset of the partition and the one after the last; waits while the partition has no leader, as
    for a moment after its broker did not answer. Raises KafkaException."""
    give_up_at = time.monotonic() + BROKER_SECONDS
    while True:
        try:
            return consumer.get_watermark_offsets(place, LEADER_SECONDS)
        except KafkaException:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.2)
