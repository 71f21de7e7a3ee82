"""Lag is what is left to read: after transactions, deletions and odd commits."""

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from brokers.topic import warn_of_missing_events
from page import lanes
from page.tail import EVENTS_KEPT
from page.watcher import GroupWatcher
from plumbing.kafka import client_config
from tests.brokers import TOPIC, recreate
from tests.programs import consumer, wait_until
from tests.reliability.test_bad_input import like


@pytest.fixture
def servers(new_likes):
    """With an empty topic."""
    recreate(new_likes)
    return new_likes


@pytest.fixture
def watcher(servers, group):
    watcher = GroupWatcher(client_config(servers), group)
    watcher.start()
    yield watcher
    watcher.close()


def write(servers: str, partition: int, count: int, order: int = 1) -> None:
    writer = Producer(client_config(servers))
    for _ in range(count):
        writer.produce(TOPIC, like(order=order), partition=partition)
    assert writer.flush(30) == 0


def commit(servers: str, group: str, partition: int, offset: int) -> None:
    reader = Consumer(client_config(servers) | {"group.id": group})
    reader.commit(offsets=[TopicPartition(TOPIC, partition, offset)], asynchronous=False)
    reader.close()


def delete_records(servers: str, partition: int, before: int) -> None:
    place = TopicPartition(TOPIC, partition, before)
    admin = AdminClient(client_config(servers))  # kept: its futures never end without it
    admin.delete_records([place])[place].result(timeout=30)


def wait_for(watcher: GroupWatcher, condition, what: str):
    """The partitions that the page shows once they fulfil the condition."""

    def seen():
        snapshot = watcher.snapshot()
        return snapshot.partitions if snapshot.partitions and condition(snapshot.partitions) else None

    return wait_until(seen, what)


@pytest.mark.parametrize("end", ["commit_transaction", "abort_transaction"])
def test_after_a_transaction_nothing_is_left_to_read(servers, start, group, watcher, end):
    member = start(consumer(servers, group))
    member.wait_for_status(lambda status: status["assignment"] == [0, 1, 2])
    writer = Producer(client_config(servers) | {"transactional.id": f"{group}-writer"})
    writer.init_transactions(20)
    writer.begin_transaction()
    for _ in range(3):
        writer.produce(TOPIC, like(), partition=0)
    writer.flush(20)
    getattr(writer, end)(20)
    status = member.wait_for_status(lambda status: status["position"]["0"] == 4)  # three records and a marker
    assert status["consumed"] == (3 if end == "commit_transaction" else 0)
    assert status["lag"] == {"0": 0, "1": 0, "2": 0}
    partition = wait_for(watcher, lambda seen: seen[0].committed == 4, "the end is committed")[0]
    assert (partition.end, partition.lag) == (4, 0)
    assert len(partition.events) == status["consumed"]


def test_deleted_records_are_not_lag_and_no_longer_shown(servers, start, group, watcher):
    write(servers, 2, 1205)
    wait_for(watcher, lambda seen: seen[2].lag == 1205 and len(seen[2].events) == EVENTS_KEPT, "all of it")
    delete_records(servers, 2, before=1000)
    shown = wait_for(watcher, lambda seen: seen[2].start == 1000, "the deletion")[2]
    assert (shown.lag, len(shown.events)) == (205, EVENTS_KEPT)
    delete_records(servers, 2, before=1202)
    shown = wait_for(watcher, lambda seen: seen[2].start == 1202, "the deletion")[2]
    assert (shown.lag, [event.offset for event in shown.events]) == (3, [1202, 1203, 1204])
    commit(servers, group, 2, 1)
    assert wait_for(watcher, lambda seen: seen[2].committed == 1, "the commit")[2].lag == 3
    member = start(consumer(servers, group))
    status = member.wait_for_status(lambda status: status["position"].get("2") == 1205)
    assert (status["consumed"], status["lag"]["2"]) == (3, 0)


def test_a_commit_beyond_the_end_is_reported_and_replaced(servers, start, group, watcher, monkeypatch):
    write(servers, 1, 22)
    commit(servers, group, 1, 1000)
    shown = wait_for(watcher, lambda seen: seen[1].committed == 1000, "the commit")[1]
    assert (shown.beyond_end, shown.lag) == (True, 22)
    assert "committed 1,000, beyond the end" in lanes.lane_html(shown, False, {}, None)
    monkeypatch.setattr("brokers.topic.GROUP", group)
    assert str(warn_of_missing_events(servers)).startswith(
        "978 events fewer than the consumers have read (partition 1)"
    )
    member = start(consumer(servers, group))
    member.wait_for_status(lambda status: status["consumed"] == 22)
    shown = wait_for(watcher, lambda seen: seen[1].committed == 22, "an offset of this log")[1]
    assert (shown.beyond_end, shown.lag) == (False, 0)


def test_the_page_forgets_the_events_and_commits_of_a_topic_that_was_recreated(servers, start, group, monkeypatch):
    """Although it has not looked in between, and finds as many events as before."""
    watcher = GroupWatcher(client_config(servers), group)
    write(servers, 0, 5)
    member = start(consumer(servers, group))

    def shows(committed: int | None, events: int):
        """The first partition, once it has these."""
        shown = next(iter(watcher.look().partitions), None)
        return shown if shown and (shown.committed, len(shown.events)) == (committed, events) else None

    wait_until(lambda: shows(5, 5), "all of it")
    member.kill()
    recreate(servers)
    monkeypatch.setattr("brokers.topic.GROUP", group)
    assert warn_of_missing_events(servers) is None
    write(servers, 0, 6, order=2)
    shown = wait_until(lambda: shows(None, 6), "the new ones")
    assert [(event.offset, event.order) for event in shown.events] == [(offset, 2) for offset in range(6)]
    assert shown.lag == 6
    watcher.close()
