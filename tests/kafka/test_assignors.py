"""A client with another assignor in the group: Kafka refuses members that do not support it."""

import re
import time

import pytest
import requests
from confluent_kafka.admin import AdminClient

from launcher import doctor
from plumbing.kafka import client_config
from tests.brokers import joined
from tests.programs import consumer, wait_until

NAME, SHOWN = "stranger\x1b[31m" + "x" * 5000, r"stranger\x1b[31m" + "x" * 5000
SECONDS_OF_REFUSALS = 6  # Kafka's client tries again once a second


@pytest.fixture
def stranger(kafka, group):
    """A member of the group with another assignor than consumer.py."""
    client = joined(kafka, group, {"client.id": NAME, "partition.assignment.strategy": "cooperative-sticky"})
    yield client
    client.close()


def test_a_refused_consumer_names_the_other_member_its_assignor_and_the_fix(kafka, group, stranger, start, monkeypatch):
    member = start(consumer(kafka, group))
    line = member.wait_for("^The group ")[0].string
    assert line == (
        f"The group {group} uses the assignor cooperative-sticky ({SHOWN} on 127.0.0.1), this consumer "
        "offers range. End that client, or restart it with partition.assignment.strategy=range.   (waiting for it ...)"
    )
    monkeypatch.setattr("settings.CONSUMER_PORT", member.port)
    monkeypatch.setattr("settings.GROUP", group)
    told = [*doctor._programs(), doctor._group(AdminClient(client_config(kafka)), kafka)]
    findings = {finding.about: finding for finding in told}
    assert "uses the assignor cooperative-sticky" in findings["consumer-1"].what
    assert findings["consumer-1"].fix.startswith("end that client")
    assert len(findings["group"].what) < 300
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
