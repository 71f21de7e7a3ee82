"""consumer.py without a broker: what counts as a like, its group, and the HTTP API."""

import time
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, TopicPartition

import consumer
from labs.evidence import is_like
from page import lanes
from page.group import Partition
from page.tail import event_of
from plumbing import lasting_consumer, topic
from plumbing.group import Membership
from plumbing.lasting_consumer import LastingConsumer
from plumbing.process import StopSignal
from tests.programs import wait_until
from tests.reliability.test_bad_input import BROKEN, TOLERATED, like


@pytest.fixture
def history():
    return consumer.History()


@pytest.fixture
def client(history):
    return consumer.create_app(None, history).test_client()


@pytest.fixture
def lasting(simulated, monkeypatch):
    """A consumer on the simulated broker."""
    monkeypatch.setattr(topic, "BROKER_SECONDS", 0.5)
    lasting = LastingConsumer(consumer.CONFIG | {"bootstrap.servers": simulated.bootstrap_servers}, StopSignal())
    nothing = lambda *_: None  # noqa: E731
    lasting.subscribe([consumer.TOPIC], on_assign=nothing, on_revoke=nothing, on_lost=nothing)
    yield lasting
    lasting.close()


def test_a_rebalance_changes_the_assignment(lasting):
    assigned, revoked = lasting._callbacks["on_assign"], lasting._callbacks["on_revoke"]
    assigned(lasting._consumer, [TopicPartition("likes", p) for p in (2, 0)])
    assert lasting.position == {0: None, 2: None}
    assert lasting.lag() == {0: 0, 2: 0}
    revoked(lasting._consumer, [TopicPartition("likes", 2)])
    assert lasting.position == {0: None}


def test_partitions_that_a_closing_member_is_assigned_are_not_those_of_the_next_one(lasting, monkeypatch):
    """librdkafka may assign some within close(), and revokes none of them."""
    old, assigned = lasting._consumer, lasting._callbacks["on_assign"]
    late = lambda: assigned(old, [TopicPartition("likes", p) for p in range(3)])  # noqa: E731
    monkeypatch.setattr(lasting, "_consumer", SimpleNamespace(poll=lambda _seconds: None, close=late))
    monkeypatch.setattr(lasting._identity, "was_recreated", lambda: True)
    lasting.poll(0)
    assert lasting.position == {}
    old.close()


def test_messages_are_the_newest_last_and_limited(client, history):
    history.messages.extend({"order": n} for n in range(1, 2001))
    assert [m["order"] for m in client.get("/messages?limit=2").json] == [1999, 2000]
    assert len(client.get("/messages").json) == 50
    assert len(client.get("/messages?limit=1000").json) == 1000


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "", "1e3", "٣"])
def test_a_bad_limit_is_refused(client, limit):
    answer = client.get(f"/messages?limit={limit}")
    assert answer.status_code == 400
    assert {"error", "hint"} == answer.json.keys()


def test_a_loop_that_does_not_poll_and_a_broker_that_is_gone_are_problems(lasting, simulated):
    assert lasting.find_problem() is None
    lasting._polled_at -= 60
    assert "poll loop" in str(lasting.find_problem())
    lasting._polled_at += 60
    simulated.set_down()
    assert "no broker answers" in str(lasting.find_problem())


def test_an_outage_is_logged_once_and_so_is_its_end(lasting, simulated, caplog):
    caplog.set_level("INFO")
    simulated.set_down()
    for _ in range(3):
        lasting._note_error(KafkaError(KafkaError._ALL_BROKERS_DOWN))
        lasting._note_problem()
    simulated.set_down(False)
    for _ in range(20):
        lasting._note_problem()
    assert [record.message.split(".")[0] for record in caplog.records] == [
        f"No broker answers on {simulated.bootstrap_servers.split('.')[0]}",
        "Kafka answers again",
    ]


def group_of(*client_ids: str, assignor: str) -> SimpleNamespace:
    """A group as Kafka describes it."""
    return SimpleNamespace(members=[SimpleNamespace(client_id=id) for id in client_ids], partition_assignor=assignor)


@pytest.mark.parametrize(
    ("group", "stranded"),
    [
        (group_of(assignor=""), True),
        (group_of("consumer-5003", assignor="range"), True),
        (group_of(consumer.CONFIG["client.id"], "consumer-5003", assignor="range"), False),
        (group_of("stranger", assignor="roundrobin"), False),  # it would refuse a consumer that only offers `range`
        (None, False),  # it does not answer
    ],
)
def test_a_member_that_the_group_does_not_know_is_stranded(monkeypatch, lasting, group, stranded):
    monkeypatch.setattr(Membership, "_describe", lambda *_asked: group)
    assert not lasting._is_stranded()  # it has only begun to wait
    lasting._ask_group_at -= lasting_consumer.STRANDED_SECONDS
    assert lasting._is_stranded() is stranded
    assert not lasting._is_stranded()
    lasting._note_assignment([], begins=True)  # more members than partitions
    assert lasting._waiting_since is None


def test_a_member_without_an_assignment_says_since_when(monkeypatch, lasting, simulated, caplog):
    monkeypatch.setattr(Membership, "_describe", lambda *_asked: None)  # the group does not answer
    assert lasting.find_problem() is None
    lasting._waiting_since -= 60
    lasting._note_problem()
    assert lasting.problem.startswith("The group likes-ui has given this consumer no assignment since ")
    assert lasting.find_problem().line() == lasting.problem
    assert caplog.text.count("no assignment since") == 1
    simulated.set_down()
    lasting._note_problem()
    assert lasting.problem.startswith("No broker answers")
    simulated.set_down(False)
    wait_until(lambda: "no broker" not in str(lasting.find_problem()), "the broker")
    lasting._note_problem()
    lasting._polled_at = time.monotonic()  # the loop would have polled
    assert lasting.find_problem() is None, "it has waited for the broker, not for the group"


RECORDS = {
    **BROKEN,
    **TOLERATED,
    "a like": like(),
    "with a byte order mark": like().decode().encode("utf-8-sig"),
    "without clicked_at": b'{"order": 1, "ts_ms": 1734721501000}',
    "the latest time": like(ts_ms=2**63 - 1),
}


def consumer_takes(value) -> bool:
    try:
        consumer.parse_like(value)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("value", RECORDS.values(), ids=RECORDS)
def test_page_labs_and_consumer_agree_on_what_a_like_is(value):
    record = SimpleNamespace(value=lambda: value, offset=lambda: 0)
    event = event_of(record)
    assert (event.order is not None) == is_like(record) == consumer_takes(value)
    assert ("not a like" in lanes.lane_html(Partition(0, 1, 0, None, (event,)), False, {}, None)) != is_like(record)
