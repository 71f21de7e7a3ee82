"""plumbing/topic.py without a broker: a topic that is created."""

from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException

from plumbing import topic


class StartingBroker:
    """Creates a topic at once, and refuses what is asked of its partitions with these errors first."""

    def __init__(self, *errors: int):
        self.errors = list(errors)

    def create_topics(self, new):
        answer = Future()
        answer.set_result(None)
        return {topic.topic: answer for topic in new}

    def list_topics(self, timeout):
        pass

    def list_offsets(self, places, request_timeout):
        answers = {place: Future() for place in places}
        for place, answer in answers.items():
            if self.errors and place.partition == 2:
                answer.set_exception(KafkaException(KafkaError(self.errors.pop(0))))
            else:
                answer.set_result(SimpleNamespace(offset=0))
        return answers


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
