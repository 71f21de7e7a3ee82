"""A lab program leaves its group, even after Ctrl+C, and the group's history tells leaving from dying."""

import os
import signal
import sys
import time

import pytest
import requests
from confluent_kafka import Consumer, ConsumerGroupState
from confluent_kafka.admin import AdminClient

from labs.internals import history
from labs.lab_03_rebalancing import check as lab_3
from plumbing.kafka import client_config
from tests.programs import Program, consumer, wait_until

pytestmark = pytest.mark.slow

PROGRAM = "labs/lab_07_errors/dead_letters.py"


@pytest.fixture
def many_likes(running_producer):
    """Enough for dead_letters.py, which waits for its busy receiver, to read for a few seconds."""
    assert requests.post(f"{running_producer.url}/likes", json={"count": 100}, timeout=30).status_code == 201


@pytest.fixture
def reading(kafka, learner, many_likes, start):
    """`python run.py labs/...dead_letters.py`, as it reads."""
    program = start(Program(sys.executable, "run.py", PROGRAM, KAFKA_BOOTSTRAP_SERVERS=kafka, LEARNER=learner))
    program.wait_for("^forwarded: ")
    return program


def members(kafka, group: str) -> int:
    admin = AdminClient(client_config(kafka))
    described = admin.describe_consumer_groups([group])[group].result()
    return 0 if described.state == ConsumerGroupState.EMPTY else len(described.members)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C for a process group of its own")
def test_after_ctrl_c_nobody_is_left_in_the_group(kafka, learner, reading):
    assert members(kafka, f"{learner}-errors") == 1
    os.killpg(reading.process.pid, signal.SIGINT)  # as a terminal does: run.py and its program both get it
    assert reading.wait() == 130
    assert members(kafka, f"{learner}-errors") == 0


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process group")
def test_after_a_kill_the_next_run_continues(run_py, reading):
    os.killpg(reading.process.pid, signal.SIGKILL)
    reading.wait()
    code, printed = run_py(PROGRAM)
    assert code == 0, printed
    assert " forwarded, " in printed


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process group")
def test_a_run_says_what_it_waits_for(kafka, learner, click, start):
    click()
    group = f"{learner}-errors"
    silent = Consumer(client_config(kafka) | {"group.id": group})
    silent.subscribe(["likes"], on_revoke=lambda *_: None)  # which is called in poll(): without it, the others wait
    wait_until(lambda: silent.poll(0.1) or silent.assignment(), "its partitions")
    program = start(Program(sys.executable, "run.py", PROGRAM, KAFKA_BOOTSTRAP_SERVERS=kafka, LEARNER=learner))
    program.wait_for(f"^No partition of {group} is free: perhaps a run that was killed")
    silent.close()
    program.wait_for("^(forwarded|set aside): ")
    os.killpg(program.process.pid, signal.SIGKILL)


@pytest.mark.parametrize("left", [True, False])
def test_the_history_tells_if_a_consumer_left_or_died(kafka, group, click, three_consumers, start, monkeypatch, left):
    first, *others = three_consumers
    monkeypatch.setattr(lab_3, "FIRST", f"consumer-{first.port}")
    likes = [click() for _ in range(3)]
    first.wait_for_likes({like["order"] for like in likes if like["partition"] == 0})
    time.sleep(lab_3.LEFT_MS / 1000 + 2)  # nothing happens: the last commit for a like is long ago
    first.interrupt() if left else first.kill()
    others[0].wait_for_status(lambda status: status["assignment"] == [0, 1], seconds=30)
    again = start(consumer(kafka, group, port=first.port))
    again.wait_for_status(lambda status: status["assignment"] == [0])
    monkeypatch.setattr("settings.BOOTSTRAP_SERVERS", kafka)

    def reached() -> bool:
        return lab_3._came_back(history.of(group)).reached

    wait_until(lambda: len(history.of(group).generations[-1].members) == 3, "the last generation")
    assert reached() is left
