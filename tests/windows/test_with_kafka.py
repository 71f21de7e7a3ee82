"""The five windows of start_apps.bat, and run.py, as Windows programs with a real Kafka on localhost:9092."""

import contextlib

import pytest
import requests

from brokers import local
from brokers.ports import port_holder
from tests.brokers import with_topic
from tests.programs import Program, answers, expect_no_traceback, wait_until
from tests.windows.conftest import refuse
from tests.windows.shell import MAKE_VENV, WINE, copy_project

CONSUMERS, PAGE = (5002, 5003, 5004), "http://127.0.0.1:8501/_stcore/health"

# Each program takes ten seconds to start in Wine on two busy cores, and a test starts up to eleven.
START_SECONDS = 240
pytestmark = pytest.mark.usefixtures("free_ports")


@pytest.fixture(scope="module")
def kafka(tmp_path_factory):
    """The local broker where everyone looks for it; on Linux it runs outside Wine."""
    if any(map(port_holder, local.PORTS.values())):
        refuse("a broker is running on localhost:9092: stop it first")
    with local.LocalBroker(tmp_path_factory.mktemp("kafka")) as servers:
        yield with_topic(servers)


@pytest.fixture
def windows(shell, tmp_path, kafka):
    """The project in whose folder start_apps.bat has opened its five windows."""
    project = copy_project(tmp_path / "hands on kafka & more")
    shell.python(MAKE_VENV, project)
    result = start_apps(shell, project)
    assert result.code == 0, result.output
    assert "nothing answers" not in result.output
    yield project
    shell.close_windows(project)


def start_apps(shell, project):
    return shell.run(project / "start_apps.bat", path=[shell.interpreter.parent])


def assignments():
    """Port of each consumer that answers -> its partitions."""
    found = {}
    for port in CONSUMERS:
        with contextlib.suppress(requests.RequestException):
            found[port] = requests.get(f"http://127.0.0.1:{port}/status", timeout=5).json()["assignment"]
    return found


def wait_for_assignments(expected):
    wait_until(lambda: assignments() == expected, f"assignments {expected}", START_SECONDS)


def like():
    """One is confirmed, and consumed by the owner of its partition."""
    answer = requests.post("http://127.0.0.1:5001/like", timeout=20)
    assert answer.status_code == 201, answer.text
    event = answer.json()
    messages = f"http://127.0.0.1:{CONSUMERS[event['partition']]}/messages"
    wait_until(lambda: event in requests.get(messages, timeout=5).json(), f"{event} at {messages}")


def test_five_windows(shell, windows):
    wait_for_assignments({5002: [0], 5003: [1], 5004: [2]})
    wait_until(lambda: answers(PAGE), "the page", START_SECONDS)

    like()
    shell.close_windows(windows, "Consumer 1")
    wait_for_assignments({5003: [0, 1], 5004: [2]})
    assert start_apps(shell, windows).code == 0
    wait_for_assignments({5002: [0], 5003: [1], 5004: [2]})

    stop = shell.run(windows / "stop_apps.bat", path=[shell.interpreter.parent])
    assert stop.code == 0, stop.output
    assert "Ending 5 windows" in stop.output
    assert assignments() == {}
    assert shell.titles(windows) == []


def test_run_py_with_a_broker_that_is_there(shell, tmp_path, kafka, start):
    project = copy_project(tmp_path / "run & see")
    shell.python(MAKE_VENV, project)
    python = shell.windows_path(project / ".venv/Scripts/python.exe")
    run = start(Program(*WINE, python, "run.py", cwd=project, **shell.environment()))
    run.wait_for("page .*8501", seconds=START_SECONDS)
    wait_for_assignments({5002: [0], 5003: [1], 5004: [2]})
    run.type("stop 1")
    wait_for_assignments({5003: [0, 1], 5004: [2]})
    run.type("start 1")
    wait_for_assignments({5002: [0], 5003: [1], 5004: [2]})
    like()
    run.type("quit")
    assert run.wait() == 0, run.lines
    expect_no_traceback(run.lines)
    assert assignments() == {}
    assert not answers(PAGE)
