"""The current Kafka, with what 3.7 does not have: its tools, the new rebalance protocol, share groups."""

import re
import sys
import time

import pytest
from confluent_kafka import Consumer, Producer, ShareConsumer

from brokers import java
from brokers.jars import CURRENT
from plumbing.kafka import client_config
from plumbing.version import is_kafka_4
from tests.brokers import PARTITIONS, TOPIC, local_cluster, secured_broker, with_topic
from tests.programs import ROOT, Program, consumer, wait_until

NEW_PROTOCOL = {"group.protocol": "consumer", "auto.offset.reset": "earliest"}
MOVE_SECONDS = 5.0  # takes 0.1 s; by Kafka's defaults, members ask every 5 s, and are removed after 45 s
TAKEOVER_SECONDS = 30.0


@pytest.fixture
def join(kafka_4, group):
    """Add a member with the new protocol."""
    members = []

    def add() -> Consumer:
        members.append(Consumer(client_config(kafka_4) | NEW_PROTOCOL | {"group.id": group}))
        members[-1].subscribe([TOPIC])
        return members[-1]

    yield add
    for member in members:
        member.close()


def owned(*members: Consumer) -> list[int]:
    """All partitions of these members, sorted, after a look at what has come."""
    for member in members:
        member.poll(0.05)
    return sorted(place.partition for member in members for place in member.assignment())


def test_the_version_is_seen_by_the_settings_of_a_broker(kafka_4, kafka_3):
    assert is_kafka_4(kafka_4)
    assert is_kafka_4(kafka_3) is False
    assert is_kafka_4("localhost:1") is None


@pytest.mark.repeats
def test_with_tls_and_with_three_brokers(tmp_path, monkeypatch):
    secured = secured_broker(tmp_path / "secured", CURRENT)
    with secured as servers:
        assert is_kafka_4(servers) is None, "nobody without the settings learns anything"
        with monkeypatch.context() as patch:
            patch.setattr("settings.CLIENT_CONFIG", str(secured.client_properties))
            assert is_kafka_4(servers)
    with local_cluster(tmp_path / "cluster", CURRENT) as servers:
        assert is_kafka_4(servers)
        with_topic(servers)


def test_a_partition_moves_at_once_and_a_closed_consumer_is_not_waited_for(join):
    first, second = join(), join()
    wait_until(lambda: sorted(len(owned(one)) for one in (first, second)) == [1, 2], "both own some")
    first.close()
    closed = time.monotonic()
    wait_until(lambda: owned(second) == [*range(PARTITIONS)], "all with the second")
    assert time.monotonic() - closed < MOVE_SECONDS


def test_a_silent_member_of_the_new_protocol_is_removed_after_the_brokers_session_timeout(kafka_4, group, join, start):
    code = f"""
from confluent_kafka import Consumer
consumer = Consumer({client_config(kafka_4) | NEW_PROTOCOL | {"group.id": group}!r})
consumer.subscribe([{TOPIC!r}])
while True:
    consumer.poll(0.1)
    print("owns", len(consumer.assignment()), flush=True)
"""
    silent = start(Program(sys.executable, "-c", code, cwd=ROOT))
    silent.wait_for(f"^owns {PARTITIONS}$")
    other = join()
    wait_until(lambda: owned(other), "a share of them")
    silent.kill()
    killed = time.monotonic()
    wait_until(lambda: owned(other) == [*range(PARTITIONS)], "all of them", TAKEOVER_SECONDS)
    assert time.monotonic() - killed > 1, "its session has to end first"


@pytest.mark.slow
def test_a_share_group_gets_what_was_written(kafka_4, capfd):
    group = ["--bootstrap-server", kafka_4, "--group", "workers"]
    reset = ["kafka-configs", "--bootstrap-server", kafka_4, "--alter", "--entity-type", "groups"]
    reset += ["--entity-name", "workers", "--add-config", "share.auto.offset.reset=earliest"]
    assert java.run_command(reset[0], reset[1:]) == 0
    producer = Producer(client_config(kafka_4))
    producer.produce(TOPIC, b"a job", partition=0)
    assert producer.flush(20) == 0
    words = [*group, "--topic", TOPIC, "--max-messages", "1", "--timeout-ms", "30000"]
    assert java.run_command("kafka-console-share-consumer", words) == 0
    assert "a job" in capfd.readouterr().out
    assert java.run_command("kafka-share-groups", [*group, "--describe"]) == 0
    assert re.search(rf"^workers +{TOPIC} ", capfd.readouterr().out, re.MULTILINE)


def test_a_share_group_of_that_name_is_named_with_what_removes_it(kafka_4, start, group):
    sharing = ShareConsumer(client_config(kafka_4) | {"group.id": group})
    sharing.subscribe([TOPIC])
    for _ in range(4):
        sharing.poll(0.5)
    refused = start(consumer(kafka_4, group))
    line = f"^The name {group} belongs to a share group.*python run.py kafka-share-groups --delete --group {group}"
    refused.wait_for(line)
    assert "share group" in refused.problem()
    sharing.close()
