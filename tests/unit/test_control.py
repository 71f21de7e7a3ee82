"""The endpoint through which the page controls run.py: who may call it, and with what."""

import threading

import pytest
import requests

from labs import blocks
from launcher import lab_programs
from launcher.control import ControlEndpoint, create_app
from launcher.lab_programs import LabPrograms
from launcher.transcript import LINES_AT_ONCE, LINES_KEPT, Transcript
from tests.programs import wait_until

TOKEN = {"Authorization": "Bearer secret"}


@pytest.fixture
def received():
    return []


@pytest.fixture
def client(received):
    return create_app("secret", received.append).test_client()


FROM_PAGE = ["stop 1", "kill 9", "start 4", "kill kafka-1", "start kafka-2", "like", "like 3", "like 999", "status"]
OTHERS = ["quit", "stop producer", "stop page", "stop 10", "stop 1\nquit", "like 0", "like 1000", "status 1", ""]


@pytest.mark.parametrize("command", FROM_PAGE)
def test_the_page_may_send_these_commands(client, received, command):
    assert client.post("/", json={"command": command}, headers=TOKEN).status_code == 202
    assert received == [command]


@pytest.mark.parametrize("command", [*OTHERS, None, 5, ["stop 1"]])
def test_other_commands_are_refused(client, received, command):
    assert client.post("/", json={"command": command}, headers=TOKEN).status_code == 400
    assert client.post("/", data=b"[", headers=TOKEN).status_code == 400
    assert received == []


def test_each_endpoint_has_its_own_token():
    received = []
    one, two = (ControlEndpoint(received.append, Transcript(), LabPrograms({})) for _ in range(2))
    header = {"Authorization": f"Bearer {one.token}"}
    assert one.url.startswith("http://127.0.0.1:")
    assert requests.post(one.url, json={"command": "stop 1"}, headers=header, timeout=5).status_code == 202
    assert requests.post(two.url, json={"command": "stop 1"}, headers=header, timeout=5).status_code == 403
    assert received == ["stop 1"]
    one.close()
    two.close()


def test_an_endpoint_closes_silently_at_any_time():
    before = threading.active_count()
    for _ in range(30):
        ControlEndpoint(print, Transcript(), LabPrograms({})).close()
    # An exception in a thread would be a warning, and so an error.
    wait_until(lambda: threading.active_count() <= before, "the end of its threads")


class FakeRun:
    def __init__(self):
        self.output, self.running, self.exit_code = Transcript(), True, None

    def stop(self):
        self.running, self.exit_code = False, 130


@pytest.fixture
def runs(monkeypatch):
    """What LabPrograms starts, without a process."""
    started = []

    def run(commands, environment):
        started.append((commands, FakeRun()))
        return started[-1][1]

    monkeypatch.setattr(lab_programs, "Run", run)
    return started


def block_with(command: str) -> int:
    return next(b.number for s in blocks.page_of(1).sections for b in s.blocks if b.text.startswith(command))


def test_the_lines_since_a_command_are_those_that_it_led_to(received):
    transcript = Transcript()
    transcript.add("before")
    client = create_app("secret", received.append, transcript).test_client()
    following = client.post("/", json={"command": "like"}, headers=TOKEN).json["next"]
    assert client.get(f"/lines?since={following}", headers=TOKEN).json == {"lines": [], "next": 1}
    transcript.add("one\ntwo")
    assert client.get(f"/lines?since={following}", headers=TOKEN).json == {"lines": ["one", "two"], "next": 3}
    assert client.get("/lines?since=-5", headers=TOKEN).json["lines"] == ["before", "one", "two"]
    assert client.get("/lines?since=99", headers=TOKEN).json == {"lines": [], "next": 3}


def test_a_transcript_keeps_the_last_lines_and_gives_them_in_parts():
    transcript = Transcript()
    for number in range(LINES_KEPT + 10):
        transcript.add(str(number))
    lines, following = transcript.since(0)
    assert (lines[0], len(lines), following) == ("10", LINES_AT_ONCE, 10 + LINES_AT_ONCE)
    assert transcript.since(following)[0][0] == str(following)
    assert transcript.since(transcript.next) == ([], transcript.next)


def test_a_block_is_run_by_its_numbers(client, runs):
    number = block_with("python run.py labs/lab_01_partitions/null_key.py")
    answer = client.post("/programs", json={"lab": 1, "block": number}, headers=TOKEN)
    assert (answer.status_code, answer.json) == (202, {"run": 0})
    commands, run = runs[0]
    assert commands == [["labs/lab_01_partitions/null_key.py"]]
    run.output.add("burst")
    told = {"lines": ["burst"], "next": 1, "running": True, "exit_code": None}
    assert client.get("/programs/0?since=0", headers=TOKEN).json == told
    again = client.post("/programs", json={"lab": 1, "block": number}, headers=TOKEN)
    assert again.status_code == 409
    assert "A block of lab 1 is still running" in again.json["error"]
    assert client.get("/programs", headers=TOKEN).json == {"run": 0, "lab": 1, "block": number}
    assert client.post("/programs/0/stop", headers=TOKEN).status_code == 202
    assert client.get("/programs", headers=TOKEN).json == {}
    ended = client.get("/programs/0?since=1", headers=TOKEN).json
    assert (ended["running"], ended["exit_code"]) == (False, 130)
    assert client.post("/programs", json={"lab": 1, "block": number}, headers=TOKEN).json == {"run": 1}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"lab": 1, "block": 9999}, 404),
        ({"lab": 99, "block": 1}, 404),
        ({"lab": 1, "block": block_with("like")}, 404),
        ({"lab": 1, "command": "python run.py clean"}, 400),
        ({"lab": "1", "block": "1"}, 400),
        ({"lab": True, "block": 1}, 400),
        ([1, 2], 400),
        (None, 400),
    ],
    ids=str,
)
def test_nothing_else_is_run(client, runs, body, status):
    assert client.post("/programs", json=body, headers=TOKEN).status_code == status
    assert runs == []


WRONG = [{"Authorization": "Bearer wrong"}, {"Authorization": "secret"}, {**TOKEN, "Origin": "http://localhost"}]
CALLS = [("POST", "/"), ("POST", "/programs"), ("GET", "/programs/0"), ("POST", "/programs/0/stop"), ("GET", "/lines")]


@pytest.mark.parametrize("headers", [{}, *WRONG], ids=str)
@pytest.mark.parametrize(("method", "path"), CALLS)
def test_nobody_else_runs_or_reads_anything(client, received, runs, headers, method, path):
    body = {"command": "stop 1", "lab": 1, "block": block_with("python run.py labs/")} if method == "POST" else None
    assert client.open(path, method=method, json=body, headers=headers).status_code == 403
    assert received == runs == []


def test_what_was_never_run_is_not_found(client):
    assert client.get("/programs/0", headers=TOKEN).status_code == 404
    assert client.post("/programs/0/stop", headers=TOKEN).status_code == 404
