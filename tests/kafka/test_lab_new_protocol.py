"""Lab 15 on a real Kafka 4: its programs, Ctrl+C, its reset, and what it says on a Kafka 3.7."""

import os
import signal
import sys

import pytest
from confluent_kafka.admin import AdminClient

from labs import kafka4
from labs.lab_15_new_protocol import protocols
from plumbing import Problem
from plumbing.kafka import client_config
from tests.programs import Program, expect_no_traceback, run_py
from tests.scheduling import rest_repeats

PROTOCOLS, MIGRATION = (f"labs/lab_15_new_protocol/{name}.py" for name in ("protocols", "migration"))


@pytest.mark.repeats
def test_it_can_be_done_twice_and_after_a_reset_nothing_is_left(kafka_4, learner_on_4, run_py_on_4):
    for _ in range(2):
        code, printed = run_py_on_4(MIGRATION)
        assert code == 0, printed
        assert "new-1 joins    group of the type consumer: old-1 [" in printed
        assert "2 of 6 reached" in run_py_on_4("check", "15")[1]
    code, printed = run_py_on_4("labs", "reset", "15")
    assert code == 0, printed
    assert f"the group {learner_on_4}-migration\n" in printed
    assert "0 of 6 reached" in run_py_on_4("check", "15")[1]
    assert not [
        name for name in AdminClient(client_config(kafka_4)).list_topics(timeout=20).topics if learner_on_4 in name
    ]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C for a process group of its own")
@pytest.mark.parametrize("path", rest_repeats([PROTOCOLS, MIGRATION]))
def test_ctrl_c_ends_it_without_a_traceback_and_it_can_be_started_again(kafka_4, learner_on_4, start, path):
    shown = "range" if path == PROTOCOLS else "two old ones"
    for _ in range(2):
        program = start(Program(sys.executable, "run.py", path, KAFKA_BOOTSTRAP_SERVERS=kafka_4, LEARNER=learner_on_4))
        program.wait_for(f"^{shown}")
        os.killpg(program.process.pid, signal.SIGINT)
        assert program.wait() == 130
        expect_no_traceback(program.lines)


def test_a_group_whose_clients_send_their_own_data_is_not_converted(kafka_4, group, monkeypatch):
    monkeypatch.setattr("settings.BOOTSTRAP_SERVERS", kafka_4)
    protocols.make_topic(protocols.TOPIC, protocols.PARTITIONS)
    read_at = {partition: [] for partition in range(protocols.PARTITIONS)}
    ways = {"old-1": "cooperative-sticky", "old-2": "cooperative-sticky", "new-1": "consumer"}
    old_1, old_2, new_1 = (protocols.Member(name, group, way, read_at) for name, way in ways.items())
    try:
        old_1.start()
        protocols.wait_for(old_1)
        old_2.start()
        protocols.wait_for(old_1, old_2)
        new_1.start()
        with pytest.raises(Problem, match=r"the broker refuses new-1: .*group id does not exist"):
            protocols.wait_for(old_1, old_2, new_1)
    finally:
        for member in (old_1, old_2, new_1):
            member.stop()


@pytest.mark.slow
def test_on_kafka_3_it_says_what_to_start(kafka_3):
    for arguments in ([PROTOCOLS], [MIGRATION], ["check", "15"]):
        code, printed = run_py(kafka_3, "labs", *arguments)
        assert code == 1
        assert kafka4.START in printed
        assert "Traceback" not in printed
