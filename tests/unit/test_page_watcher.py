"""page/watcher.py with a broker, consumers and clocks that are fakes: outages, clocks that jump, its thread."""

import logging
import subprocess
import sys
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from confluent_kafka import ConsumerGroupState, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

from brokers.ports import free_ports
from page import look as look_module
from page import processes, watcher
from page.group import Snapshot, port_of
from page.watcher import GroupWatcher
from plumbing.kafka import client_config
from tests.programs import PATIENCE, ROOT, wait_until

OWNERS = ["consumer-5002", "consumer-5003", "consumer-5004"]


@dataclass
class FakeKafka:
    """AdminClient and Tail in one: the topic `likes` and the group that reads it."""

    problem: int | None = None  # the code of a KafkaError
    topics: tuple[str, ...] = ("likes",)
    owners: list[str] = field(default_factory=lambda: list(OWNERS))  # by partition
    events: int = 0  # in each partition

    def list_topics(self, timeout):
        self.fail()
        partitions = dict.fromkeys(range(len(self.owners)))
        topics = {name: SimpleNamespace(partitions=partitions) for name in self.topics}
        return SimpleNamespace(topics=topics, brokers={})

    def describe_consumer_groups(self, groups, request_timeout):
        members = [
            SimpleNamespace(member_id=f"{name}-id", client_id=name, assignment=SimpleNamespace(topic_partitions=places))
            for name in sorted(set(self.owners))
            if (places := [TopicPartition("likes", p) for p, owner in enumerate(self.owners) if owner == name])
        ]
        group = SimpleNamespace(state=ConsumerGroupState.STABLE, members=members)
        return {name: self.result(group) for name in groups}

    def describe_topics(self, topics, request_timeout):
        return {name: self.result(SimpleNamespace(topic_id="one")) for name in self.topics}

    def list_offsets(self, places, request_timeout, isolation_level):
        latest = OffsetSpec.latest()
        return {p: self.result(SimpleNamespace(offset=self.events if s is latest else 0)) for p, s in places.items()}

    def poll(self, timeout):
        return 0

    def committed(self, numbers, label):
        return dict.fromkeys(numbers, self.events)

    def read(self, logs):
        return {}

    def close(self):
        pass

    def result(self, value) -> Future:
        self.fail()
        future = Future()
        future.set_result(value)
        return future

    def fail(self):
        if self.problem is not None:
            raise KafkaException(KafkaError(self.problem))


class Clocks(SimpleNamespace):
    """Stands for the module `time`."""

    def pass_by(self, seconds: float) -> None:
        self.day += seconds
        self.running += seconds


@pytest.fixture
def broker(monkeypatch):
    fake = FakeKafka()
    monkeypatch.setattr(look_module, "client", lambda kind, config: fake)
    monkeypatch.setattr(look_module, "Tail", lambda *arguments: fake)
    return fake


@pytest.fixture
def answering(monkeypatch):
    """Client ids of the consumers that answer GET /status; each question is noted in `asked`."""
    answering = SimpleNamespace(ids=set(OWNERS), asked=[])

    def status_of(client_id):
        answering.asked.append(client_id)
        return {"group": "g", "session_timeout_ms": 6000} if client_id in answering.ids else None

    monkeypatch.setattr(processes, "status_of", status_of)
    return answering


@pytest.fixture
def clocks(monkeypatch):
    clocks = Clocks(day=1_734_721_501.0, running=5_000.0, time=lambda: clocks.day, monotonic=lambda: clocks.running)
    for module in (watcher, look_module, processes):
        monkeypatch.setattr(module, "time", clocks)
    return clocks


@pytest.fixture
def group(broker, answering):
    watching = GroupWatcher({"bootstrap.servers": "localhost:9092"}, "g", range(5002, 5005))
    yield watching
    watching.close()


def look(group: GroupWatcher) -> Snapshot:
    group._snapshot = group.look()
    return group._snapshot


def states(snapshot: Snapshot) -> dict[str, str]:
    return {member.client_id: member.state for member in snapshot.members}


STRANGERS = ["rdkafka", *(f"consumer-{port}" for port in ("", "123456", "99999", "05002", "٥٠٠٢", "0"))]


@pytest.mark.parametrize(("client_id", "port"), [("consumer-5002", 5002), *((name, None) for name in STRANGERS)])
def test_the_port_is_part_of_the_client_id(client_id, port):
    assert port_of(client_id) == port


def test_a_broker_that_never_was_is_one_line(monkeypatch):
    monkeypatch.setattr(look_module, "BROKER_SECONDS", 0.3)
    servers = f"localhost:{free_ports(1)[0]}"
    watching = GroupWatcher(client_config(servers), "g")
    assert watching.look().problem == f"No broker answers on {servers}."
    assert watching.groups() == []
    watching.close()


def test_a_broker_that_is_not_ready_is_reported_with_its_own_words(broker, group):
    broker.problem = KafkaError.COORDINATOR_NOT_AVAILABLE
    snapshot = group.look()
    assert snapshot.problem == "The broker is not ready yet."
    assert "Coordinator not available" in snapshot.hint


@pytest.mark.parametrize("hour", [-3600, 3600])
def test_a_clock_that_is_set_stops_neither_samples_nor_probes_and_times_nobody_out(
    broker, answering, group, clocks, hour
):
    look(group)
    before = len(answering.asked)
    clocks.day += hour
    clocks.pass_by(1)
    assert len(look(group).samples) == 2
    assert len(answering.asked) == 2 * before
    answering.ids.remove("consumer-5002")
    clocks.day += hour
    clocks.pass_by(1)
    silent = look(group).members[0]
    assert (silent.state, silent.seconds_left) == ("silent", 5.0)


@pytest.mark.parametrize(("answers", "how"), [(True, "left"), (False, "timed out")])
def test_a_member_that_answered_until_the_end_left_another_one_timed_out(
    broker, answering, group, clocks, answers, how
):
    look(group)
    if not answers:
        answering.ids.remove("consumer-5002")
    for _ in range(6):
        clocks.pass_by(1)
        look(group)
    broker.owners[0] = "consumer-5003"
    clocks.pass_by(0.1)
    snapshot = look(group)
    assert snapshot.rebalances[-1].causes == (f"consumer-5002 {how}",)
    assert snapshot.rebalances[-1].at == clocks.day
    assert states(snapshot)["consumer-5002"] == how
    assert snapshot.rebalances[-1].without_owner == pytest.approx(0 if answers else 6.1)


def test_a_client_with_only_the_name_of_a_consumer_is_soon_left_alone(broker, answering, group, clocks):
    stranger = "consumer-8080"
    broker.owners[0] = stranger
    for _ in range(30):
        look(group)
        clocks.pass_by(1)
    asked = answering.asked.count(stranger)
    assert 0 < asked < 20
    assert states(look(group))[stranger] == "consuming"
    assert answering.asked.count("consumer-5002") > 25, "one that is expected is"
    broker.owners[0] = "consumer-5002"
    for _ in range(30):
        clocks.pass_by(1)
        seen = look(group)
    assert seen.rebalances[-1].causes == ("consumer-8080 left", "consumer-5002 joined")
    assert answering.asked.count(stranger) == asked
    assert stranger not in states(seen)
    broker.owners[0] = stranger  # it may be a consumer now
    answering.ids.add(stranger)
    look(group)
    clocks.pass_by(1)
    look(group)
    assert answering.asked.count(stranger) > asked


def test_a_client_without_a_port_is_never_asked(broker, answering, group, clocks):
    name = "<i>someone</i>"
    broker.owners = [name] * 3
    for _ in range(20):
        seen = look(group)
        clocks.pass_by(1)
    assert (name, None, "consuming") in [(member.client_id, member.port, member.state) for member in seen.members]
    assert name not in answering.asked
    broker.owners = list(OWNERS)
    assert f"{name} left or timed out" in look(group).rebalances[-1].causes


def test_a_consumer_on_another_port_is_asked_until_it_is_long_gone(broker, answering, group, clocks):
    other = "consumer-8080"
    broker.owners[0] = other
    answering.ids.add(other)
    for _ in range(30):
        look(group)
        clocks.pass_by(1)
    assert answering.asked.count(other) == 30
    answering.ids.remove(other)
    clocks.pass_by(1)
    assert states(look(group))[other] == "silent"
    broker.owners[0] = "consumer-5002"
    for _ in range(100):
        clocks.pass_by(1)
        seen = look(group)
    assert states(seen)[other] == "left"
    assert answering.asked.count(other) < 100


QUITS_WHILE_IT_LOOKS = """
import atexit, time
from page import processes, watcher
from page.look import Look
from plumbing.kafka import client_config

class Watcher(watcher.GroupWatcher):
    def look(self):
        self._ask_processes(Look(time.monotonic(), None, {}, {}, {}, {}, {}))
        return self._snapshot

processes.PROBE_EVERY_SECONDS = watcher.LOOK_EVERY_SECONDS = 0
Watcher(client_config("127.0.0.1:1"), "g", [1]).start()
atexit.register(time.sleep, 1)  # Python is shutting down meanwhile
"""


def test_a_quit_of_the_page_while_it_asks_leaves_no_traceback():
    command = [sys.executable, "-c", QUITS_WHILE_IT_LOOKS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_bug_in_a_look_is_logged_once_and_reported_on_the_board_which_continues(broker, group, monkeypatch, caplog):
    monkeypatch.setattr(watcher, "LOOK_EVERY_SECONDS", 0.01)
    whole = broker.list_topics
    monkeypatch.setattr(broker, "list_topics", lambda timeout: 1 / 0)
    group.start()
    wait_until(lambda: group.snapshot().problem == "The page has a problem of its own.", "the problem on the board", 5)
    asked = []
    monkeypatch.setattr(broker, "list_topics", lambda timeout: asked.append(1) or 1 / 0)
    wait_until(lambda: len(asked) > 3, "more looks", 5)
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "ZeroDivisionError" in caplog.text
    assert record.name == "page"
    monkeypatch.setattr(broker, "list_topics", whole)
    wait_until(lambda: not group.snapshot().problem, "the state again", 5)


def test_an_outage_makes_new_clients_and_leaves_the_last_known_state(group, broker, monkeypatch):
    made = []
    monkeypatch.setattr(look_module, "client", lambda kind, _config: made.append(kind) or broker)
    seen = look(group)
    broker.topics = ()
    missing = group.look()
    assert missing.problem == "The topic likes is missing."
    assert "python run.py topic" in missing.hint
    assert not made
    broker.problem = KafkaError._TRANSPORT
    away = group.look()
    assert made
    assert away.problem == "No broker answers on localhost:9092."
    assert "python run.py" in away.hint
    assert (away.partitions, away.at) == (seen.partitions, seen.at)
    broker.topics, broker.problem = ("likes",), None
    assert group.look().problem == ""
