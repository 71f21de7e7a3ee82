"""Which topic of a name it is: one that is deleted and recreated keeps its name and gets another id."""

import time

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)

from plumbing.kafka import BROKER_SECONDS, NO_ANSWER
from plumbing.offsets import beyond_end, is_of_another, label_of
from plumbing.topic import Admin, insist

IDENTIFY_SECONDS = 1.0  # how often the broker is asked
SILENT_SECONDS = 10.0  # how long it is not asked again after it has not answered


class Identity:
    """The id of a topic as the broker gives it now. It labels each offset to be committed: Kafka knows topics by name
    there, so a commit for the old topic may arrive in the new one."""

    def __init__(self, topic: str, admin: Admin):
        self.admin = admin
        self._topic = topic
        self._label = ""  # from the topic's id; empty until that is known
        self._recreated = False
        self._ask_at = float("-inf")  # when to ask next
        self._to_store: dict[int, TopicPartition] = {}  # partition -> the offset to store, with the label

    def was_recreated(self) -> bool:
        """True if the topic was deleted and recreated since the last call. Asks the broker once a second at most."""
        if time.monotonic() > self._ask_at:
            self._ask()
        recreated, self._recreated = self._recreated, False
        return recreated

    def offset_after(self, message: Message) -> TopicPartition:
        """The offset to commit when this message is processed, or when this end of a partition is reached."""
        return self.labelled(message.partition(), message.offset() + (0 if message.error() else 1))

    def labelled(self, partition: int, offset: int) -> TopicPartition:
        """The offset as it is to be committed. Valid until the next call for this partition."""
        labelled = self._to_store.get(partition)
        if labelled is None:
            labelled = self._to_store[partition] = TopicPartition(self._topic, partition, 0, self._label or self._ask())
        labelled.offset = offset
        return labelled

    def ignore_stale_offsets(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """In `on_assign`: read a partition from its beginning if the offset that its group has committed is that of a
        deleted topic of the same name, or beyond the end. (The broker refuses such an offset, so it would be read from
        the beginning anyway; but librdkafka does not commit a smaller offset than the one it found.)"""
        self._ask()
        try:
            committed = insist(lambda: consumer.committed(partitions, timeout=BROKER_SECONDS))
        except KafkaException:
            return  # unknown, as before the first commit
        stale = [*beyond_end(self.admin.client, committed), *filter(self.is_stale, committed)]
        for offset in stale:
            offset.offset = OFFSET_BEGINNING
        if stale:
            consumer.assign(committed)

    def is_stale(self, committed: TopicPartition) -> bool:
        """True if this offset was committed for a deleted topic of the same name."""
        return bool(self._label) and is_of_another(committed, self._label)

    def _ask(self) -> str:
        """The label with the id that the broker gives it now; the last known one if the broker does not answer."""

        def ask() -> str:
            # librdkafka asks the controller that it heard of last, and waits for a dead one with two busy threads: so
            # it first hears which brokers there are now. They may not know it either: see SILENT_SECONDS.
            self.admin.client.list_topics(timeout=BROKER_SECONDS)
            asked = self.admin.client.describe_topics(TopicCollection([self._topic]), request_timeout=IDENTIFY_SECONDS)
            return label_of(asked[self._topic].result().topic_id)

        pause = IDENTIFY_SECONDS
        try:
            label = insist(ask)
        except KafkaException as error:
            code = error.args[0].code()
            if code in NO_ANSWER:
                self.admin.renew()
            if code == KafkaError._TIMED_OUT:
                pause = SILENT_SECONDS
        else:
            if label != self._label:
                # A rebalance may be the first to notice: was_recreated() must report it all the same.
                self._recreated = self._recreated or self._label != ""
                self._label, self._to_store = label, {}
        self._ask_at = time.monotonic() + pause
        return self._label
