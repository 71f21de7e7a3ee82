"""The five windows of start_apps.bat, and run.py, as Windows programs with a real Kafka on localhost:9092."""

import pytest
import requests

from brokers import local
from tests.brokers import with_topic
from tests.programs import Program, expect_no_traceback, wait_until
from tests.windows.conftest import refuse
from tests.windows.shell import ON_WINDOWS, copy_project

CONSUMERS = (5002, 5003, 5004)
# A window that is closed on Windows leaves the group at once. In Wine it is gone without a word, and is missed when
# its session times out.
SECONDS_TO_TAKE_OVER = 5 if ON_WINDOWS else 40

# Each program takes ten seconds to start in Wine on two busy cores, and a test starts up to eleven.
START_SECONDS = 240
pytestmark = pytest.mark.usefixtures("free_ports")


@pytest.fixture(scope="module")
def kafka(tmp_path_factory):
    """The local broker where everyone looks for it; on Linux it runs outside Wine."""
    if any(local.port_holder(port) for port in local.PORTS.values()):
        refuse("a broker is running on localhost:9092: stop it first")
    with local.LocalBroker(tmp_path_factory.mktemp("kafka")) as servers:
        yield with_topic(servers)


@pytest.fixture
def windows(shell, tmp_path, kafka):
    """The project in whose folder start_apps.bat has opened its five windows."""
    project = copy_project(tmp_path / "hands on kafka & more")
    result = start_apps(shell, project)
    assert result.code == 0, result.output
    assert "Nothing answers" not in result.output
    yield project
    shell.close_windows(project)


def start_apps(shell, project):
    return shell.run(project / "start_apps.bat", path=[shell.interpreter.parent])


def assignments():
    """Port of each consumer that answers -> its partitions."""
    found = {}
    for port in CONSUMERS:
        try:
            found[port] = requests.get(f"http://127.0.0.1:{port}/status", timeout=5).json()["assignment"]
        except requests.RequestException:
            continue
    return found


def wait_for_assignments(expected, seconds=START_SECONDS):
    seen = []

    def as_expected():
        seen.append(assignments())
        return seen[-1] == expected

    wait_until(as_expected, f"assignments {expected}", seconds, seen)


def like():
    answer = requests.post("http://127.0.0.1:5001/like", timeout=20)
    assert answer.status_code == 201, answer.text
    return answer.json()


def orders(port):
    return [event["order"] for event in requests.get(f"http://127.0.0.1:{port}/messages", timeout=5).json()]


def page_answers():
    try:
        return requests.get("http://127.0.0.1:8501/_stcore/health", timeout=5).text == "ok"
    except requests.RequestException:
        return False


def test_five_windows(shell, windows):
    wait_for_assignments({5002: [0], 5003: [1], 5004: [2]})
    wait_until(page_answers, "the page", START_SECONDS)

    likes = [like() for _ in range(6)]
    first = likes[0]["order"]
    assert [event["order"] for event in likes] == list(range(first, first + 6))
    for event in likes:
        port = CONSUMERS[event["partition"]]
        wait_until(lambda event=event, port=port: event["order"] in orders(port), f"{event} in {port}")
    assert [event["partition"] for event in likes] == [(event["order"] - 1) % 3 for event in likes]

    again = start_apps(shell, windows)
    assert again.code == 1
    assert "Already in use: port 5001, 5002, 5003, 5004, 8501" in again.output

    shell.close_window("Consumer 1", windows)
    wait_for_assignments({5003: [0, 1], 5004: [2]}, SECONDS_TO_TAKE_OVER)
    consumer_1 = windows / "consumer 1.bat"
    consumer_1.write_bytes(b'start "Consumer 1" cmd /k "set CONSUMER_PORT=5002 && python consumer.py"\r\n')
    assert shell.run(consumer_1, path=[shell.interpreter.parent]).code == 0
    wait_for_assignments({5002: [0], 5003: [1], 5004: [2]})

    stop = shell.run(windows / "stop_apps.bat", path=[shell.interpreter.parent])
    assert stop.code == 0, stop.output
    assert "Ending 5 windows" in stop.output
    assert assignments() == {}
    assert shell.windows_open(windows) == 0


def test_run_py_with_a_broker_that_is_there(shell, tmp_path, kafka):
    project = copy_project(tmp_path / "run & see")
    make_venv(shell, project)
    command = [shell.windows_path(project / ".venv/Scripts/python.exe"), "run.py"]
    run = Program(*([] if ON_WINDOWS else ["wine"]), *command, cwd=project, **shell.environment())
    try:
        run.wait_for("page .*8501", seconds=START_SECONDS)
        wait_for_assignments({5002: [0], 5003: [1], 5004: [2]})
        run.type("stop 1")
        wait_for_assignments({5003: [0, 1], 5004: [2]})
        run.type("start 1")
        wait_for_assignments({5002: [0], 5003: [1], 5004: [2]})
        event = like()
        run.wait_for(f"Consumed: order={event['order']} partition={event['partition']} ")
        run.type("quit")
        assert run.wait() == 0, run.lines
        expect_no_traceback(run.lines)
        assert assignments() == {}
        assert not page_answers()
    finally:
        run.kill()


def make_venv(shell, project):
    """A .venv as run.py leaves it, with the packages of the Python that made it: nothing is downloaded."""
    code = "import venv; venv.create('.venv', system_site_packages=True)"
    code += (
        "; from launcher import setup; setup._stamp('requirements.txt').write_text(setup._wanted('requirements.txt'))"
    )
    shell.python(code, project)
