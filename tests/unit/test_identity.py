"""plumbing/topic.py and plumbing/identity.py without a broker: a topic that is created, or deleted and recreated."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition

from plumbing import identity, topic
from plumbing.identity import Identity
from plumbing.offsets import LABEL

END = 22  # in each partition


def future(result, error: int | None = None) -> Future:
    """One with this result, or with this error of Kafka."""
    made = Future()
    if error is None:
        made.set_result(result)
    else:
        made.set_exception(KafkaException(KafkaError(error)))
    return made


@dataclass
class FakeAdmin:
    """Describes the topic with this id; None is a topic that does not exist. While silent, it does not answer."""

    id: str | None = "one"
    silent: bool = False
    asked: int = 0

    @property
    def client(self):
        return self

    def renew(self):
        pass

    def list_topics(self, timeout):
        pass

    def describe_topics(self, topics, request_timeout):
        self.asked += 1
        error = KafkaError._TIMED_OUT if self.silent else None if self.id else KafkaError.UNKNOWN_TOPIC_OR_PART
        return {"likes": future(SimpleNamespace(topic_id=self.id), error)}

    def list_offsets(self, places, request_timeout):
        return {place: future(SimpleNamespace(offset=END)) for place in places}


@dataclass
class FakeConsumer:
    """Its group has committed this offset of partition 0 with this metadata."""

    metadata: str | None
    offset: int = 7
    assigned: list[TopicPartition] = field(default_factory=list)

    def committed(self, partitions, timeout):
        metadata = [self.metadata] if self.metadata else []
        return [TopicPartition("likes", 0, self.offset, *metadata)]

    def assign(self, places):
        self.assigned = places


@pytest.fixture
def admin():
    return FakeAdmin()


@pytest.fixture
def likes(admin, monkeypatch):
    monkeypatch.setattr(identity, "IDENTIFY_SECONDS", -1.0)  # at each call
    return Identity("likes", admin)


def test_a_recreated_topic_is_reported_once(likes, admin):
    assert not likes.was_recreated()
    admin.id = None
    assert not likes.was_recreated(), "it is only gone so far"
    admin.id = "two"
    assert likes.was_recreated()
    assert not likes.was_recreated()


def test_while_the_controller_is_silent_it_is_not_asked_at_each_call(likes, admin):
    """Each time costs a second, in which librdkafka is busy and nothing is read."""
    admin.silent = True
    for _ in range(3):
        assert not likes.was_recreated()
    assert admin.asked == 1


def test_it_is_reported_also_if_a_rebalance_saw_it_first(likes, admin):
    likes.was_recreated()
    admin.id = "two"
    likes.ignore_stale_offsets(FakeConsumer(None), [TopicPartition("likes", 0)])
    assert likes.was_recreated()


KEPT = [(f"{LABEL}one", 7), (None, 7), ("from start", 7), (None, END)]
IGNORED = [(f"{LABEL}zero", 7), (None, END + 1)]


@pytest.mark.parametrize(("metadata", "offset"), KEPT + IGNORED)
def test_an_offset_of_another_topic_of_the_same_name_or_beyond_the_end_is_ignored(likes, metadata, offset):
    consumer, ignored = FakeConsumer(metadata, offset), (metadata, offset) in IGNORED
    likes.ignore_stale_offsets(consumer, [TopicPartition("likes", 0)])
    assert [place.offset for place in consumer.assigned] == ([OFFSET_BEGINNING] if ignored else [])


def test_offsets_are_stored_with_the_id_of_the_topic_they_are_for(likes, admin):
    message = SimpleNamespace(partition=lambda: 2, offset=lambda: 41, error=lambda: None)
    for topic_id in ("one", "two"):
        admin.id = topic_id
        likes.was_recreated()
        place = likes.offset_after(message)
        assert (place.partition, place.offset, place.metadata) == (2, 42, f"{LABEL}{topic_id}")


class StartingBroker:
    """Creates a topic at once, and refuses what is asked of its partitions with these errors first."""

    def __init__(self, *errors: int):
        self.errors = list(errors)

    def create_topics(self, new):
        return {topic.topic: future(None) for topic in new}

    def list_topics(self, timeout):
        pass

    def list_offsets(self, places, request_timeout):
        errors = {place: self.errors.pop(0) if self.errors and place.partition == 2 else None for place in places}
        return {place: future(SimpleNamespace(offset=0), error) for place, error in errors.items()}


def test_a_topic_counts_as_created_when_all_its_partitions_answer():
    broker = StartingBroker(
        KafkaError._NOENT, KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.UNKNOWN_LEADER_EPOCH, KafkaError._TIMED_OUT
    )
    assert topic.create(broker, "likes", 3)
    assert broker.errors == []


def test_a_partition_that_never_answers_is_reported(monkeypatch):
    monkeypatch.setattr(topic, "LEADERS_SECONDS", 0.2)
    broker = StartingBroker(*[KafkaError.NOT_LEADER_FOR_PARTITION] * 100)
    with pytest.raises(KafkaException, match="NOT_LEADER_FOR_PARTITION"):
        topic.create(broker, "likes", 3)
