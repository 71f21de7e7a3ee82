"""producer.py's HTTP API: on a simulated broker where delivery matters, on a fake producer where it does not."""

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from unittest.mock import MagicMock

import gevent
import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

import producer
from plumbing import lasting_producer
from plumbing.kafka import Unavailable, client_config
from plumbing.lasting_producer import LastingProducer
from plumbing.orders import TAIL, Orders
from settings import LARGEST_BURST
from tests.programs import wait_until


@dataclass
class FakeProducer:
    """Confirms at once what it is given, and remembers it. Its topic has so many partitions."""

    count: int = 3
    sent: list[dict] = field(default_factory=list)

    def partitions(self, topic, room_for=0):
        return self.count

    def wait_for_room(self, count):
        pass

    def produce(self, topic, value, key=None, partition=0, on_delivery=None):
        self.sent.append({"value": value, "partition": partition})
        on_delivery(None, SimpleNamespace(partition=lambda: partition, offset=lambda: 0))

    def produce_batch(self, topic, messages, partition, on_delivery):
        for message in messages:
            self.produce(topic, message["value"], None, partition, on_delivery)


class FakeOrders(Orders):
    """Of an empty topic."""

    def __init__(self):
        super().__init__(producer.TOPIC, producer.CONFIG)
        self._last = 0


@pytest.fixture
def fake():
    return FakeProducer()


@pytest.fixture
def client(fake):
    return producer.create_app(fake, FakeOrders()).test_client()


@pytest.mark.parametrize("partitions", [1, 2, 12])
def test_turns_are_taken_among_all_partitions(partitions):
    fake = FakeProducer(partitions)
    client = producer.create_app(fake, FakeOrders()).test_client()
    client.post("/likes", json={"count": 2 * partitions})
    turns = {json.loads(sent["value"])["order"]: sent["partition"] for sent in fake.sent}
    assert [turns[order] for order in sorted(turns)] == [*range(partitions)] * 2


BAD_LIKES = [
    (b"{", "application/json", 400),
    (b"[]", "application/json", 400),
    (b'"ann"', "application/json", 400),
    (b'{"kee": "ann"}', "application/json", 400),
    (b'{"key": 5}', "application/json", 400),
    (b'{"key": ""}', "application/json", 400),
    (b'{"key": "\\ud800"}', "application/json", 400),
    (b'{"key": "' + b"x" * 1001 + b'"}', "application/json", 400),
    (b"[" * 15_000, "application/json", 400),
    (b"\xff\xfe", "application/json", 400),
    (b'{"key": "ann"}', "text/plain", 415),
]


@pytest.mark.parametrize(("body", "content_type", "code"), BAD_LIKES)
def test_a_bad_like_is_refused_in_json_and_sends_nothing(client, fake, body, content_type, code):
    answer = client.post("/like", data=body, content_type=content_type)
    assert answer.status_code == code
    assert answer.json["error"]
    assert "POST /like" in answer.json["hint"]
    assert fake.sent == []


@pytest.mark.parametrize("count", [0, -1, 100_001, 1.5, True, "5", None])
def test_a_bad_burst_is_refused(client, fake, count):
    assert client.post("/likes", json={"count": count}).status_code == 400
    assert client.post("/likes").status_code == 400
    assert fake.sent == []


@pytest.mark.parametrize(("method", "path", "code"), [("GET", "/like", 405), ("POST", "/", 404), ("GET", "/x", 404)])
def test_wrong_methods_and_paths_are_answered_in_json(client, method, path, code):
    answer = client.open(path, method=method)
    assert answer.status_code == code
    assert {"error", "hint"} == answer.json.keys()


def test_health_names_broker_topic_and_partitions(client):
    named = {"broker": producer.BOOTSTRAP_SERVERS, "topic": "likes", "partitions": 3}
    assert client.get("/health").json == {"status": "ok"} | named


@pytest.fixture
def config(simulated):
    return producer.CONFIG | {"bootstrap.servers": simulated.bootstrap_servers, "message.timeout.ms": 1500}


@pytest.fixture
def kafka_producer(config):
    """A producer on the simulated broker, with the loop that polls for its delivery reports."""
    kafka_producer = LastingProducer(config)

    def receive_reports():
        while True:
            kafka_producer.poll(0.2)

    polling = gevent.spawn(receive_reports)
    yield kafka_producer
    polling.kill()


@pytest.fixture
def orders(config):
    return Orders(producer.TOPIC, config)


@pytest.fixture
def delivering(kafka_producer, orders):
    return producer.create_app(kafka_producer, orders).test_client()


@pytest.fixture
def other(config):
    return Producer(client_config(config["bootstrap.servers"]))


def test_the_order_is_read_from_the_log_past_what_is_not_a_like(delivering, other, config):
    delivering.post("/likes", json={"count": 7})
    for value in (b"junk", b'{"order": "9"}', b'{"order": true}', b'{"order": 1e99}', None):
        other.produce("likes", value, partition=0)
    other.flush()
    assert Orders(producer.TOPIC, config).take(1, 3) == range(8, 9)


def test_no_order_is_reused_after_many_records_that_are_not_likes(delivering, other, config):
    delivering.post("/likes", json={"count": 7})
    for partition in range(3):
        for _ in range(TAIL + 1):
            other.produce("likes", b"junk", partition=partition)
    other.flush()
    behind = 7 + 3 * (TAIL + 1)
    assert Orders(producer.TOPIC, config).take(1, 3) == range(behind + 1, behind + 2)


def test_a_like_that_is_not_confirmed_is_503_and_does_not_come_later(delivering, simulated, config):
    assert delivering.post("/like").status_code == 201
    simulated.set_down()
    refused = delivering.post("/like")
    assert refused.status_code == 503
    assert "click again" in refused.json["hint"]
    simulated.set_down(False)
    assert Orders(producer.TOPIC, config).take(1, 3) == range(2, 3)


@pytest.mark.parametrize("down", [False, True])
def test_clicks_that_come_while_the_broker_is_asked_share_its_answer(kafka_producer, simulated, monkeypatch, down):
    if down:
        simulated.set_down()
    asked = []
    ask = kafka_producer._ask
    monkeypatch.setattr(kafka_producer, "_ask", lambda topic: asked.append(1) or ask(topic))
    answers = [gevent.spawn(kafka_producer.partitions, "likes", 1) for _ in range(8)]
    gevent.joinall(answers)
    assert {type(answer.exception) if down else answer.value for answer in answers} == {Unavailable if down else 3}
    assert len(asked) == 1


def test_an_answer_of_a_broker_that_has_gone_since_does_not_count(kafka_producer, simulated):
    assert kafka_producer.partitions("likes", room_for=1) == 3
    simulated.set_down()
    wait_until(lambda: gevent.sleep(0.1) or kafka_producer._answered_at < 0, "news of the end")
    with pytest.raises(Unavailable, match="no broker answers"):
        kafka_producer.partitions("likes", room_for=1)


def test_a_full_queue_is_503_and_uses_up_no_order(config, orders, simulated, monkeypatch):
    monkeypatch.setattr(lasting_producer, "ROOM_SECONDS", 0.05)
    full = LastingProducer(config | {"queue.buffering.max.messages": 2, "message.timeout.ms": 60_000})
    client = producer.create_app(full, orders).test_client()
    orders.take(0, full.partitions("likes"))
    for _ in range(2):
        full.produce("likes", b"{}")  # nobody polls, so they stay in the queue
    for answer in (client.post("/like"), client.post("/likes", json={"count": 2})):
        assert answer.status_code == 503
        assert "too many likes" in answer.json["error"]
    assert orders.take(1, 3) == range(1, 2)


def fenced() -> MagicMock:
    """A client that Kafka has given up."""
    error = KafkaError(KafkaError._FATAL, "fenced")
    client = MagicMock(**dict.fromkeys(("poll.side_effect", "produce.side_effect"), KafkaException(error)))
    client.produce_batch = lambda topic, messages, **_options: messages[0].update(_error=error)
    return client


def test_a_producer_that_kafka_has_given_up_is_503(kafka_producer, delivering, monkeypatch, caplog):
    assert delivering.post("/like").status_code == 201
    monkeypatch.setattr(kafka_producer, "_producer", fenced())
    for answer in (delivering.post("/like"), delivering.post("/likes", json={"count": 2})):
        assert answer.status_code == 503
        assert answer.json["error"] == "the like cannot be sent: fenced"
    for _ in range(3):
        kafka_producer.poll(0)
    assert caplog.text.count("fenced. Fix that, then restart this program.") == 1


def test_a_burst_that_fails_keeps_no_room_in_the_queue(kafka_producer, delivering, monkeypatch):
    assert delivering.post("/like").status_code == 201
    working = kafka_producer._producer
    monkeypatch.setattr(kafka_producer, "_producer", fenced())
    for _ in range(3):
        assert delivering.post("/likes", json={"count": LARGEST_BURST}).status_code == 503
    monkeypatch.setattr(kafka_producer, "_producer", working)
    assert delivering.post("/likes", json={"count": LARGEST_BURST}).status_code == 201
