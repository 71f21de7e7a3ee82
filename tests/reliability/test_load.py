"""Many clicks, idle and slow connections, large bodies, many events: the programs keep running, and do not grow."""

import contextlib
import os
import signal
import socket
import sys
import time

import psutil
import pytest
import requests

from tests.programs import Program, consumer, producer, wait_until
from tests.reliability.trial import Trial

MEGABYTE = 2**20
BLOCK = 25_000  # events


@pytest.fixture(scope="module")
def api(broker):
    program = producer(broker.bootstrap_servers)
    program.wait_until_it_answers()
    yield program
    program.kill()


def click(api: Program, **options) -> int:
    return requests.post(f"{api.url}/like", timeout=60, **options).status_code


def connect(api: Program) -> socket.socket:
    return socket.create_connection(("127.0.0.1", api.port), timeout=60)


def test_64_clients_click_as_fast_as_they_can(broker, request, long):
    trial = Trial(broker.bootstrap_servers, request.node.name, clients=64, pause=0)
    try:
        time.sleep(60 if long else 2)
        tally = trial.finish(twice=False)
        assert tally.acknowledged > 64
        assert tally.refused == 0
    finally:
        trial.close()


def test_a_thousand_idle_connections_leave_room_for_a_click(api):
    with contextlib.ExitStack() as stack:
        for _ in range(1000):
            stack.enter_context(connect(api))
        assert [click(api) for _ in range(10)] == [201] * 10
    assert click(api) == 201


def test_slow_clients_do_not_hold_up_others(api):
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connect(api)) for _ in range(80)]
        for letter in b"POST /like HTTP/1.1\r\nHost: localhost\r\nContent-Le":
            for connection in slow:
                connection.sendall(bytes([letter]))
        assert [click(api) for _ in range(5)] == [201] * 5
        for connection in slow:
            connection.sendall(b"ngth: 0\r\n\r\n")
        answers = [connection.recv(12) for connection in slow]
    assert answers == [b"HTTP/1.1 201"] * len(slow)


@pytest.mark.parametrize(("size", "status"), [(0, 201), (17 * 1024, 413), (MEGABYTE, 413), (10 * MEGABYTE, 413)])
def test_bodies_of_any_size_are_answered(api, size, status):
    headers = {"Content-Type": "application/json"}
    with contextlib.suppress(requests.ConnectionError):  # the answer came, and the connection ended, while we sent
        assert click(api, data=b" " * size, headers=headers) == status
    assert click(api) == 201


def test_a_gigabyte_that_is_only_declared_is_refused_at_once(api):
    with connect(api) as connection:
        connection.sendall(b"POST /like HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1073741824\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 413"
    assert click(api) == 201


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot pause a process with a signal")
def test_a_queue_that_is_full_is_503_and_not_the_end(api, broker):
    assert click(api) == 201
    os.kill(broker.process.pid, signal.SIGSTOP)
    try:
        answer = requests.post(f"{api.url}/likes", json={"count": 100_000}, timeout=60)
    finally:
        os.kill(broker.process.pid, signal.SIGCONT)
    assert answer.status_code == 503
    assert "of 100000 likes" in answer.json()["error"]
    wait_until(lambda: click(api) == 201, "a like again")


def test_memory_stays_flat_over_many_events(broker, api, start, group, long, all_cases):
    """Ten million with --long."""
    member = start(consumer(broker.bootstrap_servers, group))
    member.wait_until_it_answers("/status")
    programs = [psutil.Process(api.process.pid), psutil.Process(member.process.pid)]

    def send(events: int) -> list[float]:
        """Memory of both programs, in MB, when the events were read."""
        for _ in range(events // BLOCK):
            read = member.status()["consumed"] + BLOCK
            requests.post(f"{api.url}/likes", json={"count": BLOCK}, timeout=120).raise_for_status()
            # How much waits in a consumer that is behind (queued.max.messages.kbytes) depends on how slow it is.
            member.wait_for_status(lambda status: status["consumed"] >= read)  # noqa: B023
            member.lines.clear()  # or they would be our own growth
        return [program.memory_info().rss / MEGABYTE for program in programs]

    warm = send(1_000_000 if long else BLOCK)
    last = send(10_000_000 if long else 4 * BLOCK if all_cases else BLOCK)
    print(f"MB of producer and consumer: {warm}, then {last}")
    assert all(after < before + 30 for before, after in zip(warm, last, strict=True))
