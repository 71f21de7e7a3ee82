"""Bad input, over HTTP and in the topic: no internal error, no stopped loop, no event missed."""

import contextlib
import http.client
import json
import re
import socket

import pytest
import requests
from confluent_kafka import Producer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plumbing.kafka import client_config
from tests.programs import LIKE_LOGGED, consumer, expect_no_traceback, producer, wait_until
from tests.reliability.trial import TOPIC

EXAMPLES = {False: 40, True: 300}  # with --all

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
bodies = st.one_of(
    st.binary(max_size=300),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries({}, optional={"key": json_values, "count": json_values}).map(
        lambda v: json.dumps(v).encode()
    ),
    st.sampled_from(
        [b'{"key": "' + b"x" * 1001 + b'"}', b"[" * 10_000, b'{"count": 1e999}', b'{"count": ' + b"9" * 5000]
    ),
)
paths = st.sampled_from(["/like", "/likes", "/health", "/messages", "/status"]) | st.text(
    st.characters(min_codepoint=33, max_codepoint=126), max_size=30
).map(lambda text: f"/{text}")
methods = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "LIKE"])
header_text = st.text(st.characters(min_codepoint=32, max_codepoint=255, blacklist_characters="\x7f"), max_size=40)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(["application/json", "text/plain", "application/json; charset=utf-16"])
        | header_text,
        "Host": st.just("localhost") | header_text,
        "Origin": st.just("http://localhost:8501") | header_text,
        "X-Anything": header_text,
    },
)


@pytest.fixture
def fuzzed(all_cases):
    health = list(HealthCheck)
    return settings(max_examples=EXAMPLES[all_cases], deadline=None, suppress_health_check=health, derandomize=True)


@pytest.fixture(scope="module")
def programs(new_likes):
    """The producer and one consumer. What is written here would count as likes elsewhere."""
    started = [producer(new_likes), consumer(new_likes, "bad-input")]
    for program in started:
        program.wait_until_it_answers()
    started[1].wait_for_status(lambda status: status["assignment"] == [0, 1, 2])
    yield started
    for program in started:
        program.kill()


@pytest.mark.parametrize("number", [0, 1], ids=["producer", "consumer"])
def test_every_request_is_answered_without_an_internal_error(programs, number, fuzzed):
    program = programs[number]

    @fuzzed
    @given(method=methods, path=paths, headers=headers, body=bodies)
    def ask(method, path, headers, body):
        connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=60)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value.encode("latin-1"))
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            body = answer.read()
        assert answer.status < 500, (answer.status, body)
        if answer.status >= 400 and answer.headers.get("Content-Type") == "application/json" and method != "HEAD":
            assert set(json.loads(body)) == {"error", "hint"}

    ask()
    assert requests.get(f"{program.url}/health", timeout=20).ok
    expect_no_traceback(program.lines)


@pytest.mark.parametrize("number", [0, 1], ids=["producer", "consumer"])
def test_invalid_http_ends_only_its_connection(programs, number, fuzzed):
    program = programs[number]

    @fuzzed
    @given(st.binary(min_size=1, max_size=500))
    def shout(words):
        with socket.create_connection(("127.0.0.1", program.port), timeout=60) as connection:
            connection.sendall(words + b"\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionError):
                answer = connection.recv(4096)
                assert not answer or b" 500 " not in answer.split(b"\r\n")[0]

    shout()
    assert requests.get(f"{program.url}/health", timeout=20).ok


GOOD = {"order": 1, "clicked_at": "2025-12-20 21:45:01", "ts_ms": 1734721501000}


def like(**changes) -> bytes:
    return json.dumps(GOOD | changes).encode()


BROKEN = {
    "empty": b"",
    "tombstone": None,
    "no JSON": b"like",
    "half of it": like()[:-5],
    "a list": b"[]",
    "null": b"null",
    "no object": b'"order"',
    "nothing in it": b"{}",
    "null order": like(order=None),
    "order as text": like(order="1"),
    "order with a fraction": like(order=1.5),
    "order true": like(order=True),
    "order below zero": like(order=-1),
    "order too large": like(order=2**63),
    "order with 5000 digits": b'{"order": ' + b"9" * 5000 + b', "clicked_at": "2025-12-20 21:45:01", "ts_ms": 1}',
    "NaN": like(ts_ms=float("nan")),
    "infinite": like(ts_ms=float("inf")),
    "deep": b"[" * 100_000,
    "deep and closed": b'{"order":' * 20_000 + b"1" + b"}" * 20_000,
    "another encoding": json.dumps(GOOD, ensure_ascii=False).replace("order", "ördér").encode("latin-1"),
    "no UTF-8": b"\xff\xfe\xfa",
    "UTF-16": json.dumps(GOOD).encode("utf-16"),
    "clicked_at null": like(clicked_at=None),
    "clicked_at in red": like(clicked_at="\x1b[31m2025-12-20 21:45:01"),
    "clicked_at of two lines": like(clicked_at="2025-12-20 21:45:01\nConsumed: order=666"),
    "clicked_at with other digits": like(clicked_at="٢٠٢٥-12-20 21:45:01"),
    "clicked_at and more": like(clicked_at="2025-12-20 21:45:01 "),
    "the screen wiped": b"\x1b[2J\x1b]0;title\x07\x9b31m",
    "huge": b"x" * 900_000,
}
TOLERATED = {
    "more fields": like(user="\x1b[31mann\x1b[0m\n", text="é" * 100),
    "a field twice": b'{"order": 5, "order": 1, "clicked_at": "2025-12-20 21:45:01", "ts_ms": 1734721501000}',
}


def send(servers: str, member, values, **options) -> tuple[list[str], int, int]:
    """The lines that the consumer wrote for these records, and how many it has consumed and skipped."""
    before, lines_before = member.status(), len(member.lines)
    other = Producer(client_config(servers) | {"message.max.bytes": 1_000_000})
    for value in values:
        other.produce(TOPIC, value, partition=1, **options)
    assert other.flush(30) == 0

    def counts():
        after = member.status()
        return after["consumed"] - before["consumed"], after["skipped"] - before["skipped"]

    wait_until(lambda: sum(counts()) >= len(values), f"{len(values)} records")
    wait_until(lambda: len(member.lines) >= lines_before + len(values), "as many lines")
    return member.lines[lines_before:], *counts()


ANY_LIKE_LOGGED = re.compile(LIKE_LOGGED.pattern.replace(r"\d{13}", r"\d+"))  # one of any time
SKIPPED = re.compile(r"Skipped: partition=1 offset=\d+ reason=[\w ,:*-]+")


def test_a_broken_record_is_one_line_that_says_so(new_likes, programs):
    lines, consumed, skipped = send(new_likes, programs[1], BROKEN.values())
    assert (consumed, skipped, len(lines)) == (0, len(BROKEN), len(BROKEN))
    assert [line for line in lines if not SKIPPED.fullmatch(line)] == []


def test_unusual_likes_are_logged_as_likes(new_likes, programs):
    headers = {"a": b"\x1b[31m\xff"}
    lines, consumed, skipped = send(new_likes, programs[1], TOLERATED.values(), headers=headers, key=b"\x00\n")
    assert (consumed, skipped) == (2, 0)
    assert lines == 2 * ["Consumed: order=1 partition=1 clicked_at=2025-12-20 21:45:01 ts_ms=1734721501000"]


def test_random_records_are_each_one_plain_line(new_likes, programs, fuzzed):
    values = []

    @fuzzed
    @given(st.binary(max_size=100) | json_values.map(lambda value: json.dumps(value).encode()))
    def collect(value):
        values.append(value)

    @fuzzed
    @given(st.fixed_dictionaries({name: json_values | st.just(good) for name, good in GOOD.items()}))
    def collect_almost_likes(value):
        values.append(json.dumps(value).encode())

    collect()
    collect_almost_likes()
    lines, consumed, skipped = send(new_likes, programs[1], values)
    assert consumed + skipped == len(values) == len(lines)
    assert [line for line in lines if not SKIPPED.fullmatch(line) and not ANY_LIKE_LOGGED.fullmatch(line)] == []
    assert all(line.isprintable() for line in lines)
    assert requests.get(f"{programs[1].url}/health", timeout=20).ok
