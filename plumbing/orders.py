"""The numbers of the likes: `order` continues where the topic ends."""

import logging

from confluent_kafka import Consumer, IsolationLevel, KafkaException, Message, TopicPartition
from gevent.lock import BoundedSemaphore

from plumbing import greenlets
from plumbing.kafka import BROKER_SECONDS, NOT_AUTHORIZED, Unavailable, admin_client, connect
from plumbing.lag import log_ends
from plumbing.like import parse_like
from plumbing.topic import READ_TO_END, insist, read_to_end

OFFSET_TAIL = -2000  # less n: n records before the end (RD_KAFKA_OFFSET_TAIL in rdkafka.h)
TAIL = 100  # records at the end of each partition in which the last order is looked for


log = logging.getLogger("producer")


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
        starts = [TopicPartition(self._topic, partition, OFFSET_TAIL - TAIL) for partition in range(partitions)]
        largest: dict[int, int] = {}  # partition -> largest order in its tail, 0 if no record there is a like
        try:
            # So that it knows the leaders: without them, it waits for half a second before it asks again.
            insist(lambda: client.list_topics(timeout=BROKER_SECONDS))
            try:
                for record in read_to_end(client, starts, BROKER_SECONDS):
                    largest[record.partition()] = max(largest.get(record.partition(), 0), order_of(record))
            except KafkaException as error:  # a record may be too large to be read in time, or broken
                if error.args[0].code() in NOT_AUTHORIZED:
                    raise
                log.warning("The end of the topic %s cannot be read: %s", self._topic, error.args[0].str())
                largest[-1] = 0
            # Where no like was found, those before are unknown: then count on from the number of records.
            records = self._count_records(partitions) if 0 in largest.values() else 0
            return max(records, *largest.values(), 0)
        except KafkaException as error:
            raise Unavailable(f"the end of the topic {self._topic} cannot be read: {error.args[0].str()}") from error
        finally:
            client.close()

    def _count_records(self, partitions: int) -> int:
        own = {"client.id": self._config["client.id"]}
        # A client of its own: the other one may still be unpacking what is too large.
        admin = admin_client(self._config["bootstrap.servers"], own=own)
        numbers = list(range(partitions))
        logs = insist(lambda: log_ends(admin, self._topic, numbers, IsolationLevel.READ_UNCOMMITTED))
        return sum(end for _first, end in logs.values())


def order_of(record: Message) -> int:
    """The record's `order`, 0 if it is not a like: anyone can write to a topic."""
    try:
        order = parse_like(record.value())["order"]
    except ValueError:
        return 0
    return order if order < 2**62 else 0
