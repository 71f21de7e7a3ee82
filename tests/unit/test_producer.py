"""producer.py's HTTP API: on a simulated broker where delivery matters, on a fake producer where it does not."""

import json
import threading

import gevent
import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

import producer
from plumbing.kafka import client_config


class FakeMetadata:
    def __init__(self, partitions: int):
        topic = type("Topic", (), {"partitions": dict.fromkeys(range(partitions))})
        self.topics = {producer.TOPIC: topic} if partitions else {}


class FakeProducer:
    """Confirms at once what it is given, and remembers it."""

    def __init__(self, partitions: int = 3):
        self.partitions = partitions
        self.sent: list[dict] = []
        self.full = False
        self.broken = self.refusing = False

    def list_topics(self, timeout):
        return FakeMetadata(self.partitions)

    def __len__(self):
        return producer.LARGEST_BURST + 1 if self.full else 0

    def produce_batch(self, topic, messages, partition, on_delivery):
        if self.broken:
            raise KafkaException(KafkaError(KafkaError._FATAL, "fenced"))
        for message in messages:
            if self.refusing:
                message["_error"] = KafkaError(KafkaError._FATAL, "fenced")
                continue
            self.sent.append({"topic": topic, "partition": partition, **message})
            offset = len(self.sent) - 1
            report = {"partition": partition, "offset": offset, "value": message["value"]}
            reported = type("Message", (), {name: lambda self, of=of: of for name, of in report.items()})
            on_delivery(None, reported())


@pytest.fixture
def fake():
    return FakeProducer()


@pytest.fixture
def client(fake):
    return producer.create_app(fake, last_order=lambda partitions: 0).test_client()


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
    fake = FakeProducer(partitions)
    client = producer.create_app(fake, last_order=lambda _: 0).test_client()
    client.post("/likes", json={"count": 2 * partitions})
    turns = {json.loads(sent["value"])["order"]: sent["partition"] for sent in fake.sent}
    assert [turns[order] for order in sorted(turns)] == [*range(partitions)] * 2


def test_clicks_at_the_same_time_get_orders_of_their_own(fake):
    app = producer.create_app(fake, last_order=lambda partitions: 0)
    clients = [gevent.spawn(lambda: [app.test_client().post("/like") for _ in range(20)]) for _ in range(8)]
    gevent.joinall(clients, raise_error=True)
    assert [json.loads(sent["value"])["order"] for sent in fake.sent] == [*range(1, 161)]


def test_orders_go_on_after_the_last_one(fake):
    client = producer.create_app(fake, last_order=lambda partitions: 41).test_client()
    assert client.post("/like").json["order"] == 42


def test_a_key_goes_with_the_event_and_leaves_the_partition_to_kafka(client, fake):
    assert client.post("/like", json={"key": "ann"}).status_code == 201
    assert (fake.sent[0]["key"], fake.sent[0]["partition"]) == ("ann", producer.PARTITION_UA)


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


def test_a_topic_that_is_missing_is_said_at_once():
    client = producer.create_app(FakeProducer(partitions=0), last_order=lambda _: 0).test_client()
    for answer in (client.post("/like"), client.post("/likes", json={"count": 2}), client.get("/health")):
        assert answer.status_code == 503
        assert answer.json["error"] == "the topic likes is missing"
        assert "create_likes_topic.bat" in answer.json["hint"]


def test_a_full_queue_is_503_and_uses_up_no_order(client, fake, monkeypatch):
    monkeypatch.setattr(producer, "METADATA_SECONDS", 0.05)
    fake.full = True
    assert client.post("/like").status_code == 503
    fake.full = False
    assert client.post("/like").json["order"] == 1


@pytest.mark.parametrize("how", ["broken", "refusing"])
def test_a_producer_that_kafka_has_given_up_is_503(client, fake, how):
    setattr(fake, how, True)
    for answer in (client.post("/like"), client.post("/likes", json={"count": 2})):
        assert answer.status_code == 503
        assert answer.json["error"] == "the like cannot be sent: fenced"


def test_health_names_broker_topic_and_partitions(client):
    assert client.get("/health").json == {
        "status": "ok",
        "broker": producer.BOOTSTRAP_SERVERS,
        "topic": "likes",
        "partitions": 3,
    }


@pytest.fixture
def delivering(simulated, monkeypatch):
    """A client of the API on the simulated broker, and the thread that polls for its delivery reports."""
    monkeypatch.setattr(producer, "BOOTSTRAP_SERVERS", simulated.bootstrap_servers)
    kafka_producer = Producer(producer.producer_config() | {"message.timeout.ms": 1500})
    ended = threading.Event()
    poller = threading.Thread(target=producer.poll, args=(kafka_producer, ended))
    poller.start()
    yield producer.create_app(kafka_producer).test_client()
    ended.set()
    poller.join()


def test_a_like_is_confirmed_by_the_broker(delivering):
    assert delivering.post("/like").json["order"] == 1
    burst = delivering.post("/likes", json={"count": 30})
    assert burst.json == {"count": 30, "first_order": 2, "last_order": 31, "partitions": {"0": 10, "1": 10, "2": 10}}


def test_the_order_is_read_from_the_log_past_what_is_no_like(delivering, simulated):
    delivering.post("/likes", json={"count": 7})
    other = Producer(client_config(simulated.bootstrap_servers))
    for value in (b"junk", b'{"order": "9"}', b'{"order": true}', b'{"order": 1e99}', None):
        other.produce("likes", value, partition=0)
    other.flush()
    assert producer.last_order(3) == 7


def test_a_like_that_is_not_confirmed_is_503_and_does_not_come_later(delivering, simulated):
    assert delivering.post("/like").status_code == 201
    simulated.set_down()
    refused = delivering.post("/like")
    assert refused.status_code == 503
    assert "click again" in refused.json["hint"]
    simulated.set_down(False)
    assert producer.last_order(3) == 1
