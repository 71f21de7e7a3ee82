"""What a learner's program may do wrong in every exercise is one clear goal; and a judge leaves nothing behind."""

import contextlib
import os
import re
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
import requests
from confluent_kafka.admin import AdminClient

from exercises import exercises, referee
from exercises.service import Service
from exercises.verdict import Judgement
from labs import topics
from plumbing.kafka import client_config
from tests.brokers import secured_broker
from tests.exercises.programs import source_of
from tests.programs import Program, wait_until
from tests.scheduling import rest_repeats

AT_LEAST_ONCE = exercises()[8]
SOLUTION = AT_LEAST_ONCE.solution
TRAPS = {
    "a syntax error": ([("while True:", "while True")], r"SyntaxError: expected ':' \(line \d+\)"),
    "an exception": ([("json.loads(message", "json.loads(mesage")], r"NameError: name 'mesage' is not .* \(line \d+\)"),
    "another topic": ([('os.environ["TOPIC"]', '"no-such-topic"')], r"Unknown topic or partition.* \(line \d+\)"),
    "it ends": (
        [("    while True:\n", "    for _ in range(20):\n")],
        "the program has ended with exit code 0: it printed nothing",
    ),
    "it never polls": ("import time\ntime.sleep(1000)\n", "Nobody is in the group: does the program call subscribe"),
    "it prints for ever": ("while True:\n    print('no record yet')\n", "Nobody is in the group"),
    "it subscribes only": (
        [("        message = consumer.poll(1.0)\n", "        import time\n        time.sleep(1000)\n")],
        "has committed nothing. Does it poll",
    ),
    "it is not Python": ("\0\xff", "SyntaxError|ValueError"),
    "it prints a thousand lines, and then fails": (
        [
            (
                "    while True:\n",
                "    for number in range(1500):\n        print(number)\n    nobody()\n    while True:\n",
            )
        ],
        r"NameError: name 'nobody' is not .* \(line \d+\)",
    ),
    "it reads what is typed": ("input()\n", "EOFError"),
}


@pytest.mark.parametrize("name", rest_repeats(TRAPS))
def test_a_program_that_cannot_be_judged_is_one_open_goal(goals_of, name):
    program, reason = TRAPS[name]
    began = time.monotonic()
    goals = goals_of(AT_LEAST_ONCE, source_of(AT_LEAST_ONCE, program))
    assert time.monotonic() - began < 60, "ten seconds on a quiet machine"
    missed = [goal for goal in goals if not goal.reached]
    assert len(missed) == 1, goals
    assert re.search(reason, missed[0].why), missed


def test_what_a_killed_program_has_called_is_not_done_later():
    """Its call may still be on the way when the judge lets the service accept calls again."""
    service, like = Service(), b'{"order": 1}'
    try:
        head = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(like)
        with socket.create_connection(("127.0.0.1", int(service.url[:-1].rpartition(":")[2]))) as late:
            late.sendall(head)
            time.sleep(0.2)
            service.move()
            with contextlib.suppress(ConnectionError):  # on a slow computer, the call was not taken at all
                late.sendall(like)
                assert late.recv(100) == b""
        assert not service.got
        assert requests.post(service.url, json={"order": 2}, timeout=20).ok
        assert service.got == {2: 1}
    finally:
        service.close()


def test_what_the_program_starts_ends_with_it(goals_of, tmp_path):
    started = tmp_path / "pid"
    source = f"""import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
open({str(started)!r}, "w").write(str(child.pid))
{SOLUTION}"""
    assert all(goal.reached for goal in goals_of(AT_LEAST_ONCE, source))
    wait_until(lambda: not is_alive(int(started.read_text())), "its end")


@pytest.mark.slow
def test_a_program_that_ignores_ctrl_c_is_ended(goals_of):
    source = "import signal\nsignal.signal(signal.SIGINT, lambda *_: None)\n" + exercises()[5].solution
    missed = [goal for goal in goals_of(exercises()[5], source) if not goal.reached]
    assert [goal.what for goal in missed] == ["Ctrl+C ends it"]


def test_the_verdict_is_of_the_file_as_it_was(broker, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(SOLUTION, encoding="utf-8")
    judgement = Judgement(AT_LEAST_ONCE, file)
    goals = judgement.goals()
    assert next(goals).reached
    file.write_text("not Python", encoding="utf-8")
    assert all(goal.reached for goal in goals)
    assert judgement.passed
    assert judgement.source.decode() == SOLUTION


def test_a_proxy_is_not_asked_for_the_service(goals_of, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert all(goal.reached for goal in goals_of(AT_LEAST_ONCE, SOLUTION))


# Nothing stays behind


@pytest.fixture
def solution(tmp_path) -> Path:
    file = tmp_path / "solution.py"
    file.write_text(SOLUTION, encoding="utf-8")
    return file


def check(kafka: str, learner: str, file: Path, folder: Path) -> Program:
    """`python run.py exercise check 8 FILE`, with a folder of its own for temporary files."""
    folder.mkdir()
    environment = {"KAFKA_BOOTSTRAP_SERVERS": kafka, "LEARNER": learner, "TMPDIR": str(folder), "TEMP": str(folder)}
    return Program(sys.executable, "run.py", "exercise", "check", "8", str(file), **environment)


def left(learner: str) -> list[str]:
    """Topics and groups of this learner."""
    admin = AdminClient(client_config())
    groups = [group.group_id for group in admin.list_consumer_groups().result().valid]
    return [name for name in [*admin.list_topics(timeout=20).topics, *groups] if name.startswith(learner)]


def is_alive(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


@pytest.mark.skipif(os.name == "nt", reason="Ctrl+C for one process of a test")
@pytest.mark.parametrize("seconds", rest_repeats([1.5, 0.5, 1.0, 2.0, 3.0, 4.0]))
def test_ctrl_c_leaves_nothing_behind(broker, solution, start, tmp_path, seconds):
    program = start(check(broker, tmp_path.name, solution, tmp_path / "temporary"))
    time.sleep(seconds)  # at any moment: also before anything is there
    program.process.send_signal(signal.SIGINT)
    program.wait()
    assert not [line for line in program.lines if "Traceback" in line], program.lines
    wait_until(lambda: not left(tmp_path.name), "no topic and no group", lines=program.lines)
    assert not list((tmp_path / "temporary").iterdir())


def test_a_judge_that_is_killed_leaves_no_process_and_the_next_one_sweeps(
    broker, solution, start, tmp_path, monkeypatch
):
    program = start(check(broker, tmp_path.name, solution, tmp_path / "temporary"))
    program.wait_for("it runs: the first of 240 mails")
    below = psutil.Process(program.process.pid).children(recursive=True)
    program.kill()
    wait_until(lambda: not any(is_alive(one.pid) for one in below), "the end of the learner's programs")

    monkeypatch.setattr(topics, "LEARNER", tmp_path.name)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    referee.sweep()
    assert left(tmp_path.name), "it is too young: another judge may be using it"
    monkeypatch.setattr(referee, "LEFT_SECONDS", -1)

    def is_swept() -> bool:
        referee.sweep()  # the broker refuses to delete a group until its last member's session has timed out
        return not left(tmp_path.name)

    wait_until(is_swept, "no topic and no group")
    assert not list((tmp_path / "temporary").iterdir())


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    with (broker := secured_broker(tmp_path_factory.mktemp("secured"))):
        yield broker


@pytest.mark.repeats
@pytest.mark.parametrize("exercise", exercises().values(), ids=lambda exercise: exercise.name)
def test_on_a_secured_broker_the_program_is_the_same(secured, tmp_path, monkeypatch, exercise):
    monkeypatch.setattr("settings.BOOTSTRAP_SERVERS", secured.bootstrap_servers)
    monkeypatch.setattr("settings.CLIENT_CONFIG", str(secured.properties_of("admin")))
    monkeypatch.setenv("KAFKA_CLIENT_CONFIG", str(secured.properties_of("admin")))
    file = tmp_path / "mine.py"
    file.write_text(exercise.solution, encoding="utf-8")
    goals = list(Judgement(exercise, file).goals())
    assert all(goal.reached for goal in goals), goals
