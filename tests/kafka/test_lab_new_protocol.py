"""Lab 15 on a real Kafka 4: what the broker does not convert."""

import pytest

from labs.lab_15_new_protocol import protocols
from plumbing import Problem


def test_a_group_whose_clients_send_their_own_data_is_not_converted(kafka_4, group, monkeypatch):
    monkeypatch.setattr("settings.BOOTSTRAP_SERVERS", kafka_4)
    protocols.make_topic(protocols.TOPIC, protocols.PARTITIONS)
    read_at = {partition: [] for partition in range(protocols.PARTITIONS)}
    ways = {"old-1": "cooperative-sticky", "old-2": "cooperative-sticky", "new-1": "consumer"}
    old_1, old_2, new_1 = (protocols.Member(name, group, way, read_at) for name, way in ways.items())
    try:
        old_1.start()
        protocols.wait_for(old_1)
        old_2.start()
        protocols.wait_for(old_1, old_2)
        new_1.start()
        with pytest.raises(Problem, match=r"the broker refuses new-1: .*group id does not exist"):
            protocols.wait_for(old_1, old_2, new_1)
    finally:
        for member in (old_1, old_2, new_1):
            member.stop()
