"""A broker that is starting answers for a moment that its cluster has no brokers: nobody is cut off by that."""

import contextlib
import threading

import pytest
from confluent_kafka import KafkaException

import settings
from plumbing.kafka import Unavailable, answers
from plumbing.lasting import LastingProducer
from plumbing.topic import Topic
from tests.fake_broker import FakeBroker
from tests.programs import producer, wait_until


@pytest.fixture
def broker(monkeypatch, tmp_path):
    """A broker for this process and its programs. With this setting librdkafka never comes back by itself once it knows
    no broker; without it, in six cases of seven."""
    file = tmp_path / "client.properties"
    file.write_text("metadata.recovery.strategy=none\n")
    broker = FakeBroker()
    monkeypatch.setattr(settings, "CLIENT_CONFIG", str(file))
    monkeypatch.setattr(settings, "BOOTSTRAP_SERVERS", broker.servers)
    monkeypatch.setenv("KAFKA_CLIENT_CONFIG", str(file))
    yield broker
    broker.close()


def test_the_producer_comes_back(broker):
    program = producer(broker.servers)
    try:
        program.wait_until_it_answers()
        broker.is_starting = True
        wait_until(lambda: not program.answers(), "no broker")
        broker.is_starting = False
        program.wait_until_it_answers()
    finally:
        program.kill()


def test_what_asks_about_a_topic_comes_back(broker):
    topic = Topic("likes", {"client.id": "consumer-5002", "group.id": "likes-group"})
    assert topic.partitions() == 1
    broker.is_starting = True
    with pytest.raises(Unavailable, match="no broker answers"):
        topic.partitions()
    broker.is_starting = False
    wait_until(lambda: not topic.problem(), "an answer")  # not at once, if the new client was quicker than this broker
    assert topic.partitions() == 1


def test_a_broker_answers_only_once_its_cluster_has_it(broker):
    broker.is_starting = True
    assert not answers(broker.servers, 0.5)
    threading.Timer(0.5, lambda: setattr(broker, "is_starting", False)).start()
    assert answers(broker.servers, 30)


def test_a_producer_with_events_is_kept_until_they_are_reported(broker):
    kept = LastingProducer({"message.timeout.ms": 500})
    kept.list_topics(10)
    first, reports = kept.produce, []
    kept.renew()
    assert kept.produce == first
    broker.is_starting = True
    with contextlib.suppress(KafkaException):  # it may know of no broker by now
        kept.list_topics(1)
    kept.produce("likes", b"{}", on_delivery=lambda error, message: reports.append(error))
    kept.renew()
    assert kept.produce == first
    wait_until(lambda: kept.poll(0.1) and reports, "a delivery report")
    assert len(kept) == 0
    kept.renew()
    assert kept.produce != first
