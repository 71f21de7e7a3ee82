"""Nothing is deleted because of its age. With --long, the broker's clock is moved eight days ahead (libfaketime)."""

import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from brokers.cluster import services
from brokers.compose import SINGLE, server_properties
from brokers.local import LocalBroker
from brokers.ports import free_ports
from labs.internals import history
from plumbing import topic
from plumbing.kafka import client_config
from tests.brokers import TOPIC, create_topic, joined, listeners
from tests.programs import wait_until

LIBRARIES = [file for at in ("", "*/") for file in Path("/usr/lib").glob(f"{at}faketime/libfaketimeMT.so.1")]
EIGHT_DAYS = {"FAKETIME": "+8d", "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
AT_ONCE = {  # what Kafka does every few minutes
    "log.initial.task.delay.ms": "500",
    "log.retention.check.interval.ms": "500",
    "offsets.retention.check.interval.ms": "500",
    "log.cleaner.backoff.ms": "500",
}
WITH_KAFKAS_DEFAULTS = "a-week"


class HastyBroker(LocalBroker):
    def settings(self) -> dict[str, str]:
        return super().settings() | AT_ONCE


def first_offset(servers: str, name: str) -> int:
    consumer = Consumer(client_config(servers) | {"group.id": "a-reader"})
    try:
        return topic.insist(lambda: consumer.get_watermark_offsets(TopicPartition(name, 0), timeout=20))[0]
    finally:
        consumer.close()


@pytest.mark.long
def test_events_offsets_and_history_are_there_after_eight_days(tmp_path, group, monkeypatch):
    if not LIBRARIES:
        pytest.skip("needs libfaketime (Debian: apt install faketime)")
    ports = listeners(free_ports(3))
    with HastyBroker(tmp_path, ports) as servers:
        admin, writer = AdminClient(client_config(servers)), Producer(client_config(servers))
        create_topic(admin)
        topic.create(admin, WITH_KAFKAS_DEFAULTS, 1, {"retention.ms": "604800000"})
        for name in 10 * (TOPIC, WITH_KAFKAS_DEFAULTS):
            writer.produce(name, b"{}", partition=0)
        assert writer.flush(20) == 0
        for offset in (3, 5):
            reader = joined(servers, group, {"enable.auto.commit": False})
            reader.commit(offsets=[TopicPartition(TOPIC, 0, offset)], asynchronous=False)
            reader.close()

    for name, value in {"LD_PRELOAD": str(LIBRARIES[0]), **EIGHT_DAYS}.items():
        monkeypatch.setenv(name, value)
    broker = HastyBroker(tmp_path, ports)
    try:
        broker.start()
        for name in ("LD_PRELOAD", *EIGHT_DAYS):
            monkeypatch.delenv(name)
        # What shows that time has passed, and that Kafka has looked.
        wait_until(lambda: first_offset(servers, WITH_KAFKAS_DEFAULTS) == 10, "the end of a week", 60)
        time.sleep(3)  # several looks at the others
        assert first_offset(servers, TOPIC) == 0
        reader = Consumer(client_config(servers) | {"group.id": group})
        assert reader.committed([TopicPartition(TOPIC, 0)], timeout=20)[0].offset == 5
        reader.close()
        monkeypatch.setattr("settings.BOOTSTRAP_SERVERS", servers)
        past = history.of(group)
        assert [commit.offset for commit in past.commits_of(TOPIC)[0]] == [3, 5]
        assert len(past.generations) >= 4
    finally:
        broker.stop()


@pytest.mark.parametrize("service", [SINGLE, *services()], ids=lambda service: service.name)
def test_each_broker_keeps_everything(service, tmp_path):
    settings = server_properties(tmp_path, service=service)
    assert "log.retention.ms" not in settings, "it would win over the hours"
    assert settings["log.retention.hours"] == "-1"
    century = 100 * 365 * 24
    assert int(settings["log.roll.hours"]) == century
    assert int(settings["offsets.retention.minutes"]) == century * 60
