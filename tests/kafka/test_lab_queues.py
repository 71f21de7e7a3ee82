"""Lab 16 on a real Kafka 4: Ctrl+C gives the jobs back, and a reset forgets settings."""

import os
import signal
import sys

import pytest

from tests.programs import Program, expect_no_traceback

pytestmark = pytest.mark.slow
PROGRAM = "labs/lab_16_queues/workers.py"


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
    assert run_py_on_4("labs", "reset", "16")[0] == 0
    assert "0 of 6 reached" in run_py_on_4("check", "16")[1]
