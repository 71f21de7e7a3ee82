"""Lab 16 on a real Kafka 4: its program twice, Ctrl+C, its reset, and what it says on a Kafka 3.7."""

import os
import signal
import sys

import pytest

from labs import kafka4
from tests.programs import Program, expect_no_traceback, run_py

pytestmark = pytest.mark.slow
PROGRAM = "labs/lab_16_queues/workers.py"


@pytest.mark.repeats
def test_it_can_be_done_twice_and_again_after_a_reset(run_py_on_4):
    for offset in (0, 12, 0):
        if offset == 0:
            run_py_on_4("labs", "reset", "16")
            assert "0 of 6 reached" in run_py_on_4("check", "16")[1]
        code, printed = run_py_on_4(PROGRAM)
        assert code == 0, printed
        assert f"job 6 (offset {offset + 5}), delivery 5: released" in printed
        assert "delivery 6" not in printed
        code, printed = run_py_on_4("check", "16")
        assert code == 0, printed


def test_a_reset_forgets_the_settings_of_the_group(learner_on_4, run_py_on_4):
    group = ("--entity-type", "groups", "--entity-name", f"{learner_on_4}-jobs")
    code, printed = run_py_on_4("kafka-configs", "--alter", *group, "--add-config", "share.delivery.count.limit=2")
    assert code == 0, printed
    assert f"share.delivery.count.limit of the group {learner_on_4}-jobs\n" in run_py_on_4("labs", "reset", "16")[1]
    assert "share.delivery.count.limit" not in run_py_on_4("kafka-configs", "--describe", *group)[1]
    assert "left nothing" in run_py_on_4("labs", "reset", "16")[1]


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C for a process group of its own")
def test_ctrl_c_gives_the_jobs_back_and_the_next_run_finishes_them(kafka_4, learner_on_4, run_py_on_4, start):
    program = start(Program(sys.executable, "run.py", PROGRAM, KAFKA_BOOTSTRAP_SERVERS=kafka_4, LEARNER=learner_on_4))
    program.wait_for("delivery 1: done")
    code, printed = run_py_on_4("labs", "reset", "16")
    assert code == 1
    assert f"a program reads in the group {learner_on_4}-jobs, so nothing is deleted" in printed
    os.killpg(program.process.pid, signal.SIGINT)
    assert program.wait() == 130
    expect_no_traceback(program.lines)
    assert "all of the first 12 jobs are finished: start offset" in run_py_on_4("check", "16")[1]
    code, printed = run_py_on_4(PROGRAM)
    assert code == 0, printed
    assert "end 24: lag 0" in run_py_on_4("check", "16")[1]


def test_on_kafka_3_it_says_what_to_start(kafka_3):
    for arguments in ([PROGRAM], ["check", "16"]):
        code, printed = run_py(kafka_3, "labs", *arguments)
        assert code == 1
        assert kafka4.WHAT in printed.replace("This lab", "this lab")
        assert kafka4.HOW in printed.replace("End the", "end the")
        assert "Traceback" not in printed
