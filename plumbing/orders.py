"""The numbers of the likes: `order` continues where the topic ends."""

from collections import Counter

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from gevent.lock import BoundedSemaphore

from plumbing import greenlets
from plumbing.kafka import BROKER_SECONDS, Unavailable, connect
from plumbing.like import parse_like
from plumbing.topic import READ_TO_END, insist, read_to_end

OFFSET_TAIL = -2000  # less n: n records before the end (RD_KAFKA_OFFSET_TAIL in rdkafka.h)
TAIL = 100  # records at the end of each partition in which the last order is looked for


class Orders:
    """Gives out the numbers of the likes in a topic. There may be only one: docs/RELIABILITY.md."""

    def __init__(self, topic: str, config: dict):
        self._topic = topic
        self._config = {
            "bootstrap.servers": config["bootstrap.servers"],
            "client.id": config["client.id"],
            "group.id": config["client.id"],  # it must have one; it joins no group
            # Likes behind another program's open transaction have their numbers already.
            "isolation.level": "read_uncommitted",
            "auto.offset.reset": "earliest",  # where a partition has fewer records
        } | READ_TO_END
        self._last: int | None = None  # None until the end of the topic was read
        self._reading = BoundedSemaphore()

    def take(self, count: int, partitions: int) -> range:
        """The next numbers. The first call reads the end of the topic, which has so many partitions. Raises
        `Unavailable`."""
        if self._last is None:
            with self._reading:  # other requests wait here
                if self._last is None:
                    self._last = greenlets.in_thread(self._read_last, partitions)
        first = self._last + 1
        self._last += count
        return range(first, first + count)

    def _read_last(self, partitions: int) -> int:
        client = connect(Consumer, self._config)
        try:
            # So that it knows the leaders: without them, it waits for half a second before it asks again.
            insist(lambda: client.list_topics(timeout=BROKER_SECONDS))
            starts = [TopicPartition(self._topic, partition, OFFSET_TAIL - TAIL) for partition in range(partitions)]
            return last_order(read_to_end(client, starts, BROKER_SECONDS))
        except KafkaException as error:
            raise Unavailable(f"the end of the topic {self._topic} cannot be read: {error.args[0].str()}") from error
        finally:
            client.close()


def last_order(records) -> int:
    """The largest `order` in the last records of a topic, 0 if there are none."""
    orders: Counter[int] = Counter()
    ends: Counter[int] = Counter()
    for record in records:
        partition = record.partition()
        orders[partition] = max(orders[partition], order_of(record))
        ends[partition] = record.offset() + 1
    # Where no record is a like, those before them are unknown. There are not more likes than records.
    floor = ends.total() if 0 in orders.values() else 0
    return max(floor, *orders.values(), 0)


def order_of(record: Message) -> int:
    """The record's `order`, 0 if it is not a like: anyone can write to a topic."""
    try:
        order = parse_like(record.value())["order"]
    except ValueError:
        return 0
    return order if order < 2**62 else 0
