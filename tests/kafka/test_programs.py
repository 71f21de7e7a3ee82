"""producer.py and consumer.py on a real Kafka: what is promised beyond the six claims."""

import json
import time
import uuid

import requests
from confluent_kafka import Consumer, TopicPartition

from plumbing.kafka import client_config
from plumbing.keys import partition_of_key
from tests.brokers import PARTITIONS, TOPIC
from tests.programs import consumer, producer


def read(servers: str, place: dict):
    """The record at that partition and offset, read by an independent client."""
    reader = Consumer(client_config(servers) | {"group.id": uuid.uuid4().hex, "enable.auto.commit": False})
    try:
        reader.assign([TopicPartition(TOPIC, place["partition"], place["offset"])])
        record = reader.poll(20)
        assert record is not None
        assert record.error() is None
        return record
    finally:
        reader.close()


def test_an_independent_client_sees_the_same_event(kafka, click):
    like = click()
    assert list(like) == ["order", "clicked_at", "ts_ms", "partition", "offset"]
    record = read(kafka, like)
    assert record.key() is None
    assert list(json.loads(record.value())) == ["order", "clicked_at", "ts_ms"]
    assert json.loads(record.value()) == {name: like[name] for name in ("order", "clicked_at", "ts_ms")}
    assert like["clicked_at"] == time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(like["ts_ms"] / 1000))


# Kafka's own test vectors of murmur2, UtilsTest.testMurmur2 of kafka-clients.
MURMUR2 = {"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536, "abc": 479470107}
MURMUR2 |= {"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971}


def test_a_key_decides_the_partition_as_in_kafkas_java_client(kafka, click):
    expected = {key: (value & 0x7FFFFFFF) % PARTITIONS for key, value in MURMUR2.items()}
    assert {key: click(key=key)["partition"] for key in MURMUR2} == expected
    assert {key: click(key=key)["partition"] for key in MURMUR2} == expected
    assert {key: partition_of_key(key, PARTITIONS) for key in MURMUR2} == expected, "what the page announces"
    assert read(kafka, click(key="abc")).key() == b"abc"


def test_a_burst_is_confirmed_spread_and_in_order(kafka, running_producer, click):
    before = click()["order"]
    answer = requests.post(f"{running_producer.url}/likes", json={"count": 1000}, timeout=60)
    assert answer.status_code == 201
    burst = answer.json()
    assert (burst["first_order"], burst["last_order"], burst["count"]) == (before + 1, before + 1000, 1000)
    assert burst["partitions"].keys() == {"0", "1", "2"}
    assert sorted(burst["partitions"].values()) == [333, 333, 334]
    assert click()["order"] == before + 1001


def test_orders_continue_after_a_restart(kafka, click, running_producer, start):
    last = click()["order"]
    assert running_producer.interrupt() == 0
    assert running_producer.lines[-1] == "Producer stopped, 0 likes not delivered"
    again = start(producer(kafka))
    again.wait_until_it_answers()
    assert requests.post(f"{again.url}/like", timeout=20).json()["order"] == last + 1


def test_offsets_are_committed_so_a_restarted_group_reads_nothing_twice(kafka, group, click, start):
    like = click()["order"]
    first = start(consumer(kafka, group))
    first.wait_for_likes({like})
    first.wait_for_status(lambda status: status["lag"] == dict.fromkeys("012", 0))
    assert first.interrupt() == 0
    second = start(consumer(kafka, group))
    new = click()["order"]
    assert second.wait_for_likes({new}).keys() == {new}


def test_status_and_messages_tell_what_was_read(kafka, group, click, three_consumers):
    likes = [click() for _ in range(3)]
    for number, member in enumerate(three_consumers):
        mine = next(like for like in likes if like["partition"] == number)
        member.wait_for_likes({mine["order"]})
        status = member.wait_for_status(lambda status, number=number: status["lag"] == {str(number): 0})
        assert status["group"] == group
        assert status["client_id"] == f"consumer-{member.port}"
        assert status["rebalances"][-1]["event"] == "assigned"
        assert status["rebalances"][-1]["partitions"] == [number]
        messages = requests.get(f"{member.url}/messages?limit=1", timeout=10).json()
        assert messages == [mine]
