"""A program may use a topic as soon as it has created it."""

import uuid

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from plumbing import topic
from plumbing.kafka import client_config

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
