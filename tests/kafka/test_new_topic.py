"""A program may use a topic as soon as it has created it."""

import uuid

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from labs import topics
from plumbing import topic
from plumbing.kafka import client_config
from plumbing.lag import log_ends

PARTITIONS = 12  # the more, the longer until the broker is ready to lead the last one


def test_all_partitions_of_a_new_topic_answer(kafka):
    admin, name = AdminClient(client_config(kafka)), uuid.uuid4().hex
    assert topic.create(admin, name, PARTITIONS)
    consumer = Consumer(client_config(kafka) | {"group.id": name})
    places = [TopicPartition(name, partition) for partition in range(PARTITIONS)]
    assert [consumer.get_watermark_offsets(place, 20) for place in places] == [(0, 0)] * PARTITIONS
    consumer.close()
    assert not topic.create(admin, name, PARTITIONS)
    admin.delete_topics([name])[name].result(20)


def test_a_client_that_was_told_too_early_that_there_is_no_such_topic_asks_again(kafka):
    admin, name = AdminClient(client_config(kafka)), uuid.uuid4().hex
    admin.list_topics(timeout=20)  # from now on, librdkafka takes all other topics for unknown
    with pytest.raises(KafkaException, match="No leaders found"):
        topic._ask_leaders(admin, name, PARTITIONS)
    topic.create(AdminClient(client_config(kafka)), name, PARTITIONS)
    topic._ask_leaders(admin, name, PARTITIONS)
    admin.delete_topics([name])[name].result(20)


def test_what_is_asked_does_not_grow_with_the_partitions(kafka, monkeypatch):
    """By a check: with 1,000 partitions, a question for each takes a minute."""
    admin, name = AdminClient(client_config(kafka)), uuid.uuid4().hex
    topic.create(admin, name, PARTITIONS)
    writer = Producer(client_config(kafka))
    for partition in range(PARTITIONS):
        writer.produce(name, b"no like", partition=partition)
    assert writer.flush(20) == 0
    asked: list[list[int]] = []

    def counted(admin, name, partitions, *isolation):
        asked.append(partitions)
        return log_ends(admin, name, partitions, *isolation)

    monkeypatch.setattr("labs.topics.log_ends", counted)
    monkeypatch.setattr("settings.BOOTSTRAP_SERVERS", kafka)
    assert {record.partition() for record in topics.read(name)} == {*range(PARTITIONS)}
    assert asked == [[*range(PARTITIONS)]]
    admin.delete_topics([name])[name].result(20)
