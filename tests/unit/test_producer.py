"""producer.py's HTTP API: on a simulated broker where delivery matters, on a fake producer where it does not."""

import json
from dataclasses import dataclass, field

import gevent
import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

import producer
from plumbing import greenlets, orders
from plumbing.kafka import Unavailable, client_config
from plumbing.topic import Topic


@dataclass
class FakeMessage:
    """A record that the broker has confirmed, or that was read."""

    _value: bytes | None
    _partition: int = 0
    _offset: int = 0
    _key: str | None = None

    def key(self):
        return self._key

    def value(self):
        return self._value

    def partition(self):
        return self._partition

    def offset(self):
        return self._offset


@dataclass
class FakeTopic:
    """What the broker says about the topic: so many partitions, and a last order at its end."""

    count: int = 3
    last_order: int = 0

    def partitions(self, max_age=0.0):
        if not self.count:
            raise Unavailable("the topic likes is missing", "create it: python run.py topic, or create_likes_topic.bat")
        return self.count

    def tail(self, records):
        like = {"order": self.last_order, "clicked_at": "2025-12-20 21:45:01", "ts_ms": 1734721501000}
        return [FakeMessage(json.dumps(like).encode())] if self.last_order else []


@dataclass
class FakeProducer:
    """Confirms at once what it is given, and remembers it."""

    sent: list[dict] = field(default_factory=list)
    waiting: int = 0
    broken: bool = False

    def __len__(self):
        return self.waiting

    def produce(self, topic, value, key, partition, on_delivery):
        if self.broken:
            raise KafkaException(KafkaError(KafkaError._FATAL, "fenced"))
        self.sent.append({"topic": topic, "value": value, "key": key, "partition": partition})
        on_delivery(None, FakeMessage(value, partition, len(self.sent) - 1, key))

    def produce_batch(self, topic, messages, partition, on_delivery):
        for message in messages:
            try:
                self.produce(topic, message["value"], None, partition, on_delivery)
            except KafkaException as error:
                message["_error"] = error.args[0]


@pytest.fixture
def fake():
    return FakeProducer()


@pytest.fixture
def client(fake):
    return producer.create_app(fake, FakeTopic()).test_client()


def test_like_answers_with_the_event_and_its_place(client, fake):
    answer = client.post("/like")
    assert answer.status_code == 201
    assert list(answer.json) == ["order", "clicked_at", "ts_ms", "partition", "offset"]
    assert fake.sent[0]["topic"] == "likes"
    assert list(json.loads(fake.sent[0]["value"])) == ["order", "clicked_at", "ts_ms"]


def test_likes_without_a_key_take_turns(client, fake):
    for _ in range(4):
        client.post("/like")
    assert [sent["partition"] for sent in fake.sent] == [0, 1, 2, 0]


@pytest.mark.parametrize("partitions", [1, 2, 12])
def test_turns_are_taken_among_all_partitions(partitions):
    fake = FakeProducer()
    client = producer.create_app(fake, FakeTopic(partitions)).test_client()
    client.post("/likes", json={"count": 2 * partitions})
    turns = {json.loads(sent["value"])["order"]: sent["partition"] for sent in fake.sent}
    assert [turns[order] for order in sorted(turns)] == [*range(partitions)] * 2


def test_clicks_at_the_same_time_get_orders_of_their_own(fake):
    app = producer.create_app(fake, FakeTopic())
    clients = [gevent.spawn(lambda: [app.test_client().post("/like") for _ in range(20)]) for _ in range(8)]
    gevent.joinall(clients, raise_error=True)
    assert [json.loads(sent["value"])["order"] for sent in fake.sent] == [*range(1, 161)]


def test_orders_go_on_after_the_last_one(fake):
    client = producer.create_app(fake, FakeTopic(last_order=41)).test_client()
    assert client.post("/like").json["order"] == 42


def test_a_key_goes_with_the_event_and_leaves_the_partition_to_kafka(client, fake):
    assert client.post("/like", json={"key": "ann"}).status_code == 201
    assert (fake.sent[0]["key"], fake.sent[0]["partition"]) == ("ann", producer.KEY_DECIDES)


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
    (b" " * 20_000, "application/json", 413),
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


def test_a_topic_that_is_missing_is_reported_at_once():
    client = producer.create_app(FakeProducer(), FakeTopic(count=0)).test_client()
    for answer in (client.post("/like"), client.post("/likes", json={"count": 2}), client.get("/health")):
        assert answer.status_code == 503
        assert answer.json["error"] == "the topic likes is missing"
        assert "create_likes_topic.bat" in answer.json["hint"]


def test_a_full_queue_is_503_and_uses_up_no_order(client, fake, monkeypatch):
    monkeypatch.setattr(producer, "QUEUE_SECONDS", 0.05)
    fake.waiting = producer.LARGEST_QUEUE
    for answer in (client.post("/like"), client.post("/likes", json={"count": 2})):
        assert answer.status_code == 503
        assert "too many likes" in answer.json["error"]
    fake.waiting = 0
    assert client.post("/like").json["order"] == 1


def test_a_producer_that_kafka_has_given_up_is_503(client, fake):
    fake.broken = True
    for answer in (client.post("/like"), client.post("/likes", json={"count": 2})):
        assert answer.status_code == 503
        assert answer.json["error"] == "the like cannot be sent: fenced"


def test_a_burst_that_fails_keeps_no_room_in_the_queue(client, fake):
    fake.broken = True
    for _ in range(3):
        assert client.post("/likes", json={"count": producer.LARGEST_BURST}).status_code == 503
    fake.broken = False
    assert client.post("/likes", json={"count": producer.LARGEST_BURST}).status_code == 201


def test_health_names_broker_topic_and_partitions(client):
    assert client.get("/health").json == {
        "status": "ok",
        "broker": producer.BOOTSTRAP_SERVERS,
        "topic": "likes",
        "partitions": 3,
    }


@pytest.fixture
def topic(simulated, monkeypatch):
    monkeypatch.setattr("settings.BOOTSTRAP_SERVERS", simulated.bootstrap_servers)
    return Topic(producer.TOPIC, producer.CONFIG, blocking=greenlets.in_thread)


@pytest.fixture
def kafka_producer(topic):
    return Producer(client_config() | producer.CONFIG | {"message.timeout.ms": 1500})


@pytest.fixture
def delivering(kafka_producer, topic):
    """A client of the API on the simulated broker, with the loop that polls for its delivery reports."""
    poller = gevent.spawn(greenlets._poll, kafka_producer)
    yield producer.create_app(kafka_producer, topic).test_client()
    poller.kill()


def test_a_like_is_confirmed_by_the_broker(delivering):
    assert delivering.post("/like").json["order"] == 1
    burst = delivering.post("/likes", json={"count": 30})
    assert burst.json == {"count": 30, "first_order": 2, "last_order": 31, "partitions": {"0": 10, "1": 10, "2": 10}}


def test_the_order_is_read_from_the_log_past_what_is_not_a_like(delivering, topic):
    delivering.post("/likes", json={"count": 7})
    other = Producer(client_config())
    for value in (b"junk", b'{"order": "9"}', b'{"order": true}', b'{"order": 1e99}', None):
        other.produce("likes", value, partition=0)
    other.flush()
    assert orders.end_of_log(topic)[0] == 7


def test_no_order_is_given_again_behind_many_records_that_are_no_likes(delivering, topic):
    delivering.post("/likes", json={"count": 7})
    other = Producer(client_config())
    for partition in range(3):
        for _ in range(orders.TAIL + 1):
            other.produce("likes", b"junk", partition=partition)
    other.flush()
    assert orders.end_of_log(topic)[0] == 7 + 3 * (orders.TAIL + 1)


def test_two_producers_that_number_likes_are_noticed(kafka_producer, delivering, topic, caplog):
    second = producer.create_app(kafka_producer, topic).test_client()
    for _ in range(4):
        for client in (delivering, second):
            assert client.post("/like").status_code == 201
            assert client.post("/like", json={"key": "ann"}).status_code == 201
    assert "Another producer numbers likes, too" in caplog.text


def test_one_producer_reads_the_log_once(delivering, topic, monkeypatch):
    reads = []
    monkeypatch.setattr(topic, "tail", lambda _: reads.append(1) or [])
    for _ in range(3):
        assert delivering.post("/like").status_code == 201
        assert delivering.post("/likes", json={"count": 100}).status_code == 201
        assert delivering.post("/like", json={"key": "ann"}).status_code == 201
    assert len(reads) == 1


def test_clicks_at_the_same_time_read_the_log_once_after_another_writer(kafka_producer, topic, monkeypatch):
    app = producer.create_app(kafka_producer, topic)
    poller = gevent.spawn(greenlets._poll, kafka_producer)
    other = Producer(client_config())
    other.produce("likes", b"junk", partition=0)
    other.flush()
    reads = []
    read = topic.tail
    monkeypatch.setattr(topic, "tail", lambda records: reads.append(1) or read(records))
    for _ in range(3):
        clicks = [gevent.spawn(lambda: app.test_client().post("/like").status_code) for _ in range(16)]
        gevent.joinall(clicks, raise_error=True)
        assert {click.value for click in clicks} == {201}
    assert len(reads) <= 16  # all of the first round, while one of them reads
    poller.kill()


def test_one_producer_beside_other_writers_is_not_warned_about(delivering, caplog):
    other = Producer(client_config())
    for partition in (0, 1, 2, 0, 1, 2):
        assert delivering.post("/like").status_code == 201
        other.produce("likes", b"junk", partition=partition)
        other.flush()
    assert "Another producer" not in caplog.text


def test_a_like_that_is_not_confirmed_is_503_and_does_not_come_later(delivering, topic, simulated):
    assert delivering.post("/like").status_code == 201
    simulated.set_down()
    refused = delivering.post("/like")
    assert refused.status_code == 503
    assert "click again" in refused.json["hint"]
    simulated.set_down(False)
    assert orders.end_of_log(topic)[0] == 1


def test_clicks_that_come_while_the_broker_is_asked_share_its_answer(topic, monkeypatch):
    asked = []
    ask = topic._ask
    monkeypatch.setattr(topic, "_ask", lambda: asked.append(1) or ask())
    answers = [gevent.spawn(topic.partitions, max_age=3) for _ in range(8)]
    gevent.joinall(answers, raise_error=True)
    assert [answer.value for answer in answers] == [3] * 8
    assert len(asked) == 1
