"""A client with another assignor in the group: Kafka refuses members that do not support it."""

import re
import time

import pytest
import requests
from confluent_kafka import Consumer

from plumbing.kafka import client_config
from tests.brokers import TOPIC
from tests.programs import consumer, wait_until

SECONDS_OF_REFUSALS = 6  # Kafka's client tries again once a second


@pytest.fixture
def stranger(kafka, group):
    """A member of the group with another assignor than consumer.py."""
    own = {"group.id": group, "client.id": "stranger\x1b[31m", "partition.assignment.strategy": "cooperative-sticky"}
    client = Consumer(client_config(kafka) | own)
    client.subscribe([TOPIC])
    wait_until(lambda: client.poll(0.2) or client.assignment(), "an assignment")
    yield client
    client.close()


def test_a_refused_consumer_names_the_other_member_its_assignor_and_the_fix(kafka, group, stranger, start):
    member = start(consumer(kafka, group))
    line = member.wait_for("^The group ")[0].string
    assert line == (
        f"The group {group} uses the assignor cooperative-sticky (stranger\\x1b[31m on 127.0.0.1), this consumer "
        "offers range. End that client, or restart it with partition.assignment.strategy=range.   (waiting for it ...)"
    )
    until = time.monotonic() + SECONDS_OF_REFUSALS
    while time.monotonic() < until:
        stranger.poll(0.2)
        answer = requests.get(f"{member.url}/health", timeout=20)
        assert answer.status_code == 503
        assert "cooperative-sticky" in answer.json()["error"]
        assert "cooperative-sticky" in member.status()["problem"]
    assert [line for line in member.lines if not line.startswith("Consumer on")] == [line]
    stranger.close()
    member.wait_for("^Assigned: partitions=")
    member.wait_for("^Kafka answers again")
    wait_until(lambda: requests.get(f"{member.url}/health", timeout=20).ok, "a healthy consumer")
    assert not [line for line in member.lines if re.search("Inconsistent|JoinGroup", line)]
