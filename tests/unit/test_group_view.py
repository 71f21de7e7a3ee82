"""group_view.py without a group: the hash of keys, outages, the simulated broker."""

import pytest

import group_view
from brokers.ports import free_ports
from group_view import GroupWatcher
from plumbing import topic
from plumbing.kafka import client_config

# Kafka's own test vectors, UtilsTest.testMurmur2 of kafka-clients.
MURMUR2 = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("key", "signed"), MURMUR2.items())
def test_murmur2_is_kafkas(key, signed):
    assert topic.murmur2(key) == signed & 0xFFFFFFFF


@pytest.mark.parametrize(
    ("client_id", "port"), [("consumer-5002", 5002), ("consumer-", None), ("rdkafka", None), ("consumer-123456", None)]
)
def test_the_port_is_part_of_the_client_id(client_id, port):
    assert group_view.port_of(client_id) == port


def test_without_a_broker_it_says_so_and_keeps_what_it_saw(simulated):
    watcher = GroupWatcher(client_config(simulated.bootstrap_servers), "g")
    seen = watcher.look()
    watcher._snapshot = seen
    assert seen.problem == ""
    simulated.set_down()
    away = watcher.look()
    assert away.problem == f"No broker answers on {simulated.bootstrap_servers}."
    assert "python run.py" in away.hint
    assert (away.partitions, away.at) == (seen.partitions, seen.at)
    watcher.close()


def test_a_broker_that_never_was_is_one_line(monkeypatch):
    monkeypatch.setattr(group_view, "BROKER_SECONDS", 0.3)
    servers = f"localhost:{free_ports(1)[0]}"
    watcher = GroupWatcher(client_config(servers), "g", range(free_ports(1)[0], 1))
    assert watcher.look().problem == f"No broker answers on {servers}."
    assert watcher.groups() == []
    watcher.close()


def test_on_a_simulated_broker_the_offsets_are_shown_and_the_owners_asked_for(simulated):
    watcher = GroupWatcher(client_config(simulated.bootstrap_servers), "g")
    snapshot = watcher.look()
    assert "simulated" in snapshot.note
    assert [(p.number, p.end, p.lag, p.owner) for p in snapshot.partitions] == [(n, 0, 0, None) for n in range(3)]
    watcher.close()


def test_a_missing_topic_is_one_line(simulated, monkeypatch):
    monkeypatch.setattr(group_view, "TOPIC", "other")
    watcher = GroupWatcher(client_config(simulated.bootstrap_servers), "g")
    snapshot = watcher.look()
    assert snapshot.problem == "The topic other does not exist."
    assert "python run.py topic" in snapshot.hint
    watcher.close()
