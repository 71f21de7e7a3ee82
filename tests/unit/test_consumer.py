"""consumer.py without a broker: what counts as a like, and the HTTP API."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, TopicPartition

import consumer
from plumbing import topic as plumbing_topic
from plumbing.group import Membership
from plumbing.topic import Topic

LIKE = {"order": 1, "clicked_at": "2025-12-20 21:45:01", "ts_ms": 1734721501000}
ROOT = Path(__file__).parents[2]


def test_a_like_is_parsed_and_other_fields_are_ignored():
    assert consumer.parse_like(json.dumps(LIKE | {"from": "a future version"}).encode()) == LIKE


NOT_LIKES = [
    None,
    b"",
    b"junk",
    b"\xff\xfe",
    b"[" * 100_000,
    b"null",
    b"[1, 2]",
    b'"order"',
    b'{"order": 1}',
    *(
        json.dumps(LIKE | change).encode()
        for change in (
            {"order": "1"},
            {"order": True},
            {"order": None},
            {"order": 1.5},
            {"order": -1},
            {"order": 2**63},
            {"ts_ms": float("nan")},
            {"clicked_at": None},
            {"clicked_at": "yesterday"},
            {"clicked_at": "2025-12-20 21:45:01\n"},
            {"clicked_at": "\x1b[31m-12-20 21:45:01"},
            {"clicked_at": "٢٠٢٥-12-20 21:45:01"},
        )
    ),
]


@pytest.mark.parametrize("value", NOT_LIKES)
def test_what_is_not_a_like_is_refused_with_a_reason(value):
    with pytest.raises(ValueError, match=r"JSON|object|number|clicked_at"):
        consumer.parse_like(value)


@pytest.mark.parametrize(("port", "client_id"), [("", "consumer-5002"), ("5003 ", "consumer-5003")])
def test_the_port_names_the_client_also_with_the_blank_that_windows_leaves(port, client_id):
    environment = {name: value for name, value in os.environ.items() if name != "CONSUMER_PORT"}
    if port:
        environment["CONSUMER_PORT"] = port
    command = [sys.executable, "-c", "import consumer; print(consumer.CONFIG['client.id'])"]
    printed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == client_id


@pytest.fixture
def member():
    return consumer.Member()


@pytest.fixture
def topic(simulated, monkeypatch):
    monkeypatch.setattr("settings.BOOTSTRAP_SERVERS", simulated.bootstrap_servers)
    monkeypatch.setattr(plumbing_topic, "BROKER_SECONDS", 0.5)
    return Topic(consumer.TOPIC, consumer.CONFIG)


@pytest.fixture
def client(member, topic):
    return consumer.create_app(member, topic).test_client()


def test_rebalances_change_the_assignment(client, member):
    partitions = [TopicPartition("likes", p) for p in (2, 0)]
    member.note_rebalance("assigned", partitions)
    assert client.get("/status").json["assignment"] == [0, 2]
    assert client.get("/status").json["lag"] == {"0": 0, "2": 0}
    member.note_rebalance("revoked", partitions[:1])
    status = client.get("/status").json
    assert status["assignment"] == [0]
    assert [(r["event"], r["partitions"]) for r in status["rebalances"]] == [("assigned", [0, 2]), ("revoked", [2])]


def test_messages_are_the_newest_last_and_limited(client, member):
    member.messages.extend({"order": n} for n in range(1, 2001))
    assert [m["order"] for m in client.get("/messages?limit=2").json] == [1999, 2000]
    assert len(client.get("/messages").json) == 50
    assert len(client.get("/messages?limit=1000").json) == 1000


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "", "1e3", "٣"])
def test_a_bad_limit_is_refused(client, limit):
    answer = client.get(f"/messages?limit={limit}")
    assert answer.status_code == 400
    assert {"error", "hint"} == answer.json.keys()


def test_health_says_what_is_missing(client, member, simulated):
    assert client.get("/health").json["status"] == "ok"
    member.polled_at -= 60
    assert "poll loop" in client.get("/health").json["error"]
    member.polled_at += 60
    simulated.set_down()
    answer = client.get("/health")
    assert answer.status_code == 503
    assert "No broker answers" in answer.json["error"]


def test_an_outage_is_logged_once_and_so_is_its_end(member, topic, simulated, caplog):
    down = KafkaError(KafkaError._ALL_BROKERS_DOWN)
    caplog.set_level("INFO")
    simulated.set_down()
    for _ in range(3):
        member.note_error(down)
        member.note_problem(topic)
    simulated.set_down(False)
    for _ in range(20):
        member.note_problem(topic)
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
def test_a_member_that_the_group_does_not_know_is_stranded(monkeypatch, group, stranded):
    topic, member = Topic("likes", consumer.CONFIG), consumer.Member()
    monkeypatch.setattr(topic, "partitions", lambda: 3)
    monkeypatch.setattr(Membership, "_describe", lambda *_asked: group)
    member.join_group(topic)
    assert not member.is_stranded(topic)  # it has only begun to wait
    member.waiting_since -= consumer.STRANDED_SECONDS
    assert member.is_stranded(topic) is stranded
    assert not member.is_stranded(topic)
    member.note_rebalance("assigned", [])  # more members than partitions
    assert member.waiting_since is None
