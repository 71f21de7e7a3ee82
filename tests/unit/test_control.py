"""The endpoint through which the page controls run.py: who may call it, and with what."""

import threading

import pytest
import requests

from launcher.control import ControlEndpoint, create_app
from tests.programs import wait_until

TOKEN = {"Authorization": "Bearer secret"}


@pytest.fixture
def received():
    return []


@pytest.fixture
def client(received):
    return create_app("secret", received.append).test_client()


@pytest.mark.parametrize("command", ["stop 1", "kill 2", "start 3", "start 4"])
def test_commands_for_consumers_are_accepted(client, received, command):
    assert client.post("/", json={"command": command}, headers=TOKEN).status_code == 202
    assert received == [command]


@pytest.mark.parametrize("command", ["quit", "stop producer", "stop 10", "stop 1\nquit", "", None, 5, ["stop 1"]])
def test_other_commands_are_refused(client, received, command):
    assert client.post("/", json={"command": command}, headers=TOKEN).status_code == 400
    assert client.post("/", data=b"[", headers=TOKEN).status_code == 400
    assert received == []


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "secret"}, {**TOKEN, "Origin": "https://example.org"}],
)
def test_nobody_else_gets_in(client, received, headers):
    assert client.post("/", json={"command": "stop 1"}, headers=headers).status_code == 403
    assert received == []


def test_each_endpoint_has_a_token_of_its_own_and_ends():
    received = []
    one, two = ControlEndpoint(received.append), ControlEndpoint(received.append)
    header = {"Authorization": f"Bearer {one.token}"}
    assert one.url.startswith("http://127.0.0.1:")
    assert requests.post(one.url, json={"command": "stop 1"}, headers=header, timeout=5).status_code == 202
    assert requests.post(two.url, json={"command": "stop 1"}, headers=header, timeout=5).status_code == 403
    assert received == ["stop 1"]
    one.close()
    two.close()
    wait_until(lambda: not answers(one.url) and not answers(two.url), "both closed")


def answers(url: str) -> bool:
    try:
        requests.get(url, timeout=5)
        return True
    except requests.ConnectionError:
        return False


def test_an_endpoint_is_closed_silently_whatever_it_does_at_the_time():
    before = threading.active_count()
    for _ in range(30):
        ControlEndpoint(print).close()
    # An exception in a thread would be a warning, and so an error.
    wait_until(lambda: threading.active_count() <= before, "the end of its threads")
