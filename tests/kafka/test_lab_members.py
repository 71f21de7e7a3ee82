"""A lab program whose last run was killed, and is still a member of its group."""

import os
import signal
import sys

import pytest
import requests
from confluent_kafka import Consumer

from plumbing.kafka import client_config
from tests.programs import Program, wait_until

pytestmark = pytest.mark.slow

PROGRAM = "labs/lab_07_errors/dead_letters.py"


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process group")
def test_after_a_kill_the_next_run_continues(kafka, learner, running_producer, start, run_py):
    likes = {"count": 100}  # enough for dead_letters.py, which waits for its busy receiver, to read for a few seconds
    assert requests.post(f"{running_producer.url}/likes", json=likes, timeout=30).status_code == 201
    reading = start(Program(sys.executable, "run.py", PROGRAM, KAFKA_BOOTSTRAP_SERVERS=kafka, LEARNER=learner))
    reading.wait_for("^forwarded: ")
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
