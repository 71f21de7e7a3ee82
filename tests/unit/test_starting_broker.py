"""A starting broker answers for a moment that its cluster has no brokers: no client is cut off by that."""

import contextlib
import threading

import pytest

import settings
from plumbing.kafka import Unavailable, answers
from plumbing.lasting_producer import LastingProducer
from plumbing.topic import Admin
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


def test_the_producer_comes_back(broker, start):
    program = start(producer(broker.servers))
    program.wait_until_it_answers()
    broker.is_starting = True
    wait_until(lambda: not program.answers(), "no broker")
    broker.is_starting = False
    program.wait_until_it_answers()


def test_what_asks_about_a_topic_comes_back(broker):
    admin = Admin()
    assert admin.count_partitions("likes") == 1
    broker.is_starting = True
    with pytest.raises(Unavailable, match="no broker answers"):
        admin.count_partitions("likes")
    broker.is_starting = False

    def answers() -> bool:  # not at once, if the new client was quicker than this broker
        with contextlib.suppress(Unavailable):
            return admin.count_partitions("likes") == 1
        return False

    wait_until(answers, "an answer")


def test_a_broker_answers_only_once_its_cluster_has_it(broker):
    broker.is_starting = True
    assert not answers(broker.servers, 0.5)
    threading.Timer(0.5, lambda: setattr(broker, "is_starting", False)).start()
    assert answers(broker.servers, 30)


def test_a_producer_with_events_is_kept_until_they_are_reported(broker):
    config = {"bootstrap.servers": broker.servers, "message.timeout.ms": 500, "queue.buffering.max.messages": 10}
    kept = LastingProducer(config)
    assert kept.partitions("likes") == 1
    first, reports = kept._producer, []
    kept._renew()
    assert kept._producer is first
    broker.is_starting = True
    kept.produce("likes", b"{}", on_delivery=lambda error, message: reports.append(error))
    with pytest.raises(Unavailable, match="no broker answers"):
        kept.partitions("likes")
    assert kept._producer is first
    wait_until(lambda: kept.poll(0.1) or reports, "a delivery report")
    assert len(kept) == 0
    with pytest.raises(Unavailable, match="no broker answers"):
        kept.partitions("likes")
    assert kept._producer is not first
