"""The two servers, in a process of their own: requests that are cut off, idle connections, what they write."""

import contextlib
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import pytest
import requests
from flask import Flask
from waitress.channel import ClientDisconnected
from waitress.task import ErrorTask

from brokers.ports import free_ports
from plumbing import web
from tests.programs import Program, wait_until

SERVER = """
import sys, time
from plumbing import connection, greenlets, process, web

connection.IDLE_SECONDS = web.IDLE_SECONDS = 5
process.log_to_stdout()
server, port = sys.argv[1:]
app = web.create_app(int(port), usage="POST /like")
likes = []


@app.post("/like")
def like():
    web.json_body("key")
    likes.append(1)
    return {"likes": len(likes)}, 201


@app.get("/likes")
def count():
    return {"likes": len(likes)}


@app.get("/slow")
def slow():
    greenlets.wait_until(lambda: False, 0.3) if server == "gevent" else time.sleep(0.3)
    return {}


listener = web.listen(int(port), "A_PORT")
if server == "gevent":
    greenlets.serve(app, listener, beside=lambda: None)
else:
    with process.StopSignal() as stop:
        close = web.serve_in_background(app, listener)
        while not stop.requested:
            time.sleep(0.1)
        close()
"""
POST = b"POST /like HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
CUT = {
    "in its first line": b"POST /like HTTP/1.1",
    "after its first line": b"POST /like HTTP/1.1\r\n",
    "in a header": POST + b"Content-Le",
    "in the value of a header": POST + b"Content-Length: 1",
    "after a header": POST + b"Content-Length: 0\r\n",
    "before its body": POST + b"Content-Length: 14\r\n\r\n",
    "in its body": POST + b'Content-Length: 14\r\n\r\n{"key":',
    "in a body that is whole without the rest": POST + b"Content-Length: 14\r\n\r\n{}",
    "before a chunk": CHUNKED,
    "in the length of a chunk": CHUNKED + b"2",
    "before the content of a chunk": CHUNKED + b"2\r\n",
    "in a chunk": CHUNKED + b"5\r\n{}",
    "after a chunk": CHUNKED + b"2\r\n{}\r\n",
    "in the last chunk": CHUNKED + b"2\r\n{}\r\n0\r\n",
    "in a trailer": CHUNKED + b"2\r\n{}\r\n0\r\nA: b",
}
UNCLEAR = {
    "a chunk without a length": CHUNKED + b"\r\n\r\n",
    "a chunk that is longer than its length": CHUNKED + b"1\r\n{}\r\n0\r\n\r\n",
    "an unknown encoding": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: 2\r\n\r\n{}",
    "a length with a sign": POST + b"Content-Length: +2\r\n\r\n{}",
    "a blank after the name of a header": POST + b"Content-Length : 0\r\n\r\n",
    "a line that is no header": POST + b"no header\r\nContent-Length: 0\r\n\r\n",
}
WHOLE = {
    "without a body": POST + b"Content-Length: 0\r\n\r\n",
    "with a body": POST + b'Content-Length: 14\r\n\r\n{"key": "ann"}',
    "in chunks": CHUNKED + b'4\r\n{"ke\r\na\r\ny": "ann"}\r\n0\r\n\r\n',
}


@pytest.fixture(scope="module", params=["gevent", "waitress"])
def server(request):
    port = free_ports(1)[0]
    program = Program(sys.executable, "-c", SERVER, request.param, str(port), port=port)
    program.wait_until_it_answers("/likes")
    yield program
    program.kill()


@pytest.fixture
def likes(server):
    """How many likes have been counted since the test began."""

    def count() -> int:
        return requests.get(f"{server.url}/likes", timeout=20).json()["likes"]

    before = count()
    return lambda: count() - before


def send(server: Program, request: bytes) -> bytes:
    """All that is answered when nothing follows this; b"" if the connection is closed without an answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while more := connection.recv(4096):
                answer += more
        return answer


@pytest.mark.parametrize("place", CUT)
def test_a_request_that_is_cut_off_is_not_a_like(server, likes, place):
    lines = len(server.lines)
    assert b" 201 " not in send(server, CUT[place])
    assert b" 2" not in send(server, CUT[place].replace(b"/like", b"/no-such-path"))[:12]
    assert likes() == 0
    assert server.lines[lines:] == []


@pytest.mark.parametrize("kind", UNCLEAR)
def test_a_request_that_could_be_read_in_two_ways_is_refused(server, likes, kind):
    lines = len(server.lines)
    for request in (UNCLEAR[kind], UNCLEAR[kind].replace(b"/like", b"/no-such-path")):
        answer = send(server, request + WHOLE["without a body"])  # the next one is not read either
        assert answer.count(b"HTTP/1.") == 1
        assert answer.split()[1] in (b"400", b"501")
    assert likes() == 0
    assert server.lines[lines:] == []


@pytest.mark.parametrize("form", WHOLE)
def test_a_whole_request_is_a_like_and_so_is_the_next_one(server, likes, form):
    answer = send(server, WHOLE[form] + WHOLE["without a body"])
    assert answer.count(b"HTTP/1.1 201 ") == 2
    assert likes() == 2


def test_a_body_that_is_too_large_is_refused_in_chunks_too(server, likes):
    chunk = b"1000\r\n" + b" " * 0x1000 + b"\r\n"
    answer = send(server, CHUNKED + b"2\r\n{}\r\n" + 5 * chunk + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    lines = len(server.lines)
    assert b" 201 " not in send(server, CHUNKED + 5 * chunk + b"\r\n\r\n")
    assert likes() == 0
    assert server.lines[lines:] == []


def test_idle_connections_leave_room_for_a_request(server, likes):
    """Of so many, waitress accepts 100 unless told otherwise."""
    with contextlib.ExitStack() as stack:
        for _ in range(110):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))
        assert likes() == 0
        assert send(server, WHOLE["without a body"]).startswith(b"HTTP/1.1 201 ")


@pytest.mark.slow
def test_idle_connections_are_closed(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=120) as idle:
        assert idle.recv(1) == b""


def test_requests_that_wait_write_no_lines(server):
    lines = len(server.lines)
    with ThreadPoolExecutor(30) as threads:
        answers = threads.map(lambda _: requests.get(f"{server.url}/slow", timeout=60).status_code, range(30))
        assert set(answers) == {200}
    assert server.lines[lines:] == []


@pytest.mark.parametrize("request_", [b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n", b"not HTTP\r\n\r\n", POST])
def test_a_client_that_hangs_up_before_its_answer_writes_no_line(server, request_):
    lines = len(server.lines)
    for _ in range(40):
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            connection.sendall(request_)
            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # closes with a reset
            if sys.platform != "win32":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    wait_until(lambda: requests.get(f"{server.url}/likes", timeout=60).ok, "an answer")
    assert server.lines[lines:] == []


def test_waitress_can_name_what_was_no_request(monkeypatch, caplog):
    """Under load, the client has gone when it answers; here always."""
    monkeypatch.setattr(ErrorTask, "service", Mock(side_effect=ClientDisconnected))
    listener = socket.create_server(("127.0.0.1", 0))
    end = web.serve_in_background(Flask("any"), listener)
    with socket.create_connection(listener.getsockname(), timeout=10) as connection:
        connection.sendall(b"not HTTP\r\n\r\n")
        assert connection.recv(1) == b""
    end()
    assert not caplog.records
