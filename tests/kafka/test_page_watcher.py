"""page/watcher.py on a real broker, compared with Kafka's own tools: owners, offsets, lag. tests/unit has the causes of
rebalances, silent and idle members; tests/end_to_end/test_page.py shows them in a browser."""

import re

import pytest
import requests

from brokers import java
from page.group import Snapshot
from page.tail import EVENTS_KEPT
from page.watcher import GroupWatcher
from plumbing.kafka import client_config
from tests.brokers import PARTITIONS, TOPIC, joined
from tests.programs import PATIENCE, Program, consumer, wait_until


@pytest.fixture
def watch(kafka, group):
    """A watcher of the test's group, closed with the test."""
    watchers = []

    def start(expected_ports=range(0)) -> GroupWatcher:
        watchers.append(GroupWatcher(client_config(kafka), group, expected_ports))
        watchers[-1].start()
        wait_for(watchers[-1], lambda snapshot: snapshot.partitions, "a first look")
        return watchers[-1]

    yield start
    for watcher in watchers:
        watcher.close()


def wait_for(watcher: GroupWatcher, condition, what: str, seconds: float = PATIENCE) -> Snapshot:
    def seen():
        snapshot = watcher.snapshot()
        return snapshot if not snapshot.problem and condition(snapshot) else None

    return wait_until(seen, what, seconds)


def owners(snapshot: Snapshot) -> list[str | None]:
    return [partition.owner for partition in snapshot.partitions]


def client_ids(members: list[Program]) -> list[str]:
    return [f"consumer-{member.port}" for member in members]


def states(snapshot: Snapshot) -> dict[str, str]:
    return {member.client_id: member.state for member in snapshot.members}


def as_kafka_prints_it(kafka, group, capfd) -> dict[int, tuple]:
    """Partition -> (committed, end, lag, client id) as kafka-consumer-groups --describe prints it."""
    capfd.readouterr()
    arguments = ["--bootstrap-server", kafka, "--describe", "--group", group]
    assert java.run_command("kafka-consumer-groups", arguments) == 0
    rows = re.findall(rf"^{group} +{TOPIC} +(\d) +(\S+) +(\d+) +(\S+) +\S+ +\S+ +(\S+)", capfd.readouterr().out, re.M)
    return {int(p): (int(committed), int(end), int(lag), client) for p, committed, end, lag, client in rows}


def test_owners_offsets_and_lag_are_those_that_kafka_prints(kafka, group, click, three_consumers, watch, capfd):
    watcher = watch()
    like = [click() for _ in range(4)][-1]
    place = like["partition"]
    snapshot = wait_for(
        watcher, lambda s: s.partitions[place].end > like["offset"] and not any(p.lag for p in s.partitions), "no lag"
    )
    assert owners(snapshot) == client_ids(three_consumers)
    assert group in watcher.groups()
    printed = as_kafka_prints_it(kafka, group, capfd)
    assert printed == {p.number: (p.committed, p.end, p.lag, p.owner) for p in snapshot.partitions}
    for member in three_consumers:
        member.interrupt()
    likes = [click() for _ in range(4)]
    expected = [sum(like["partition"] == number for like in likes) for number in range(PARTITIONS)]
    snapshot = wait_for(watcher, lambda s: [p.lag for p in s.partitions] == expected, f"lag {expected}")
    assert owners(snapshot) == [None] * PARTITIONS


def test_the_last_events_are_those_of_the_log_in_order(click, watch, running_producer):
    watcher = watch()
    requests.post(f"{running_producer.url}/likes", json={"count": 5000}, timeout=60).raise_for_status()
    last = click()
    place = last["partition"]
    snapshot = wait_for(
        watcher, lambda s: last["order"] in (event.order for event in s.partitions[place].events), "the last like"
    )
    events = snapshot.partitions[place].events
    assert [event.offset for event in events] == [*range(last["offset"] - EVENTS_KEPT + 1, last["offset"] + 1)]
    assert [event.order for event in events] == [last["order"] - 3 * n for n in reversed(range(len(events)))]
    assert events[-1].ts_ms == last["ts_ms"]


def test_a_look_that_is_asked_for_sees_what_was_confirmed_before(click, watch):
    watcher = watch()
    like = click()
    watcher.look_now(30)
    assert watcher.snapshot().partitions[like["partition"]].end > like["offset"]


def test_a_group_that_waits_for_a_member_is_shown_as_rebalancing(kafka, group, watch, start):
    watcher = watch()
    sleepy = joined(kafka, group, {"partition.assignment.strategy": "range"})
    try:
        # From now on it does not poll: it cannot give its partitions back, and the group waits for it.
        newcomer = start(consumer(kafka, group))
        (name,) = client_ids([newcomer])
        snapshot = wait_for(watcher, lambda s: states(s).get(name) == "joining", "the newcomer")
        assert owners(snapshot) == [None] * PARTITIONS
    finally:
        sleepy.close()
    snapshot = wait_for(watcher, lambda s: owners(s) == [name] * PARTITIONS, "the end of it")
    assert states(snapshot)[name] == "consuming"
    assert f"{name} joined" in snapshot.rebalances[-1].causes


def test_an_empty_group_shows_who_is_expected(watch):
    watcher = watch(expected_ports=range(61002, 61005))
    snapshot = wait_for(watcher, lambda s: len(s.partitions) == PARTITIONS, "the partitions")
    assert states(snapshot) == {f"consumer-{port}": "not started" for port in range(61002, 61005)}
    assert owners(snapshot) == [None] * PARTITIONS
