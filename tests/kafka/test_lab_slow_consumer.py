"""Lab 11 on a real broker: Ctrl+C while its member works, and its reset."""

import os
import signal
import sys

import pytest
from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient

from labs.internals import history
from plumbing.kafka import client_config
from tests.programs import Program
from tests.scheduling import rest_repeats

pytestmark = pytest.mark.slow
PROGRAM = "labs/lab_11_slow_consumer/slow_consumer.py"


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C for a process group of its own")
@pytest.mark.parametrize("options", rest_repeats([[], ["--pause"]]))
def test_after_ctrl_c_and_a_reset_nothing_is_left(kafka, learner, run_py, start, options):
    program = start(
        Program(sys.executable, "run.py", PROGRAM, *options, KAFKA_BOOTSTRAP_SERVERS=kafka, LEARNER=learner)
    )
    program.wait_for("slow +reads partition 1, offset 0")
    os.killpg(program.process.pid, signal.SIGINT)
    assert program.wait() == 130
    name = f"{learner}-{'paused' if options else 'slow'}"
    admin = AdminClient(client_config(kafka))
    assert admin.describe_consumer_groups([name])[name].result().state == ConsumerGroupState.EMPTY
    code, printed = run_py("check", "11")
    assert code == 1
    assert "0 of 6 reached" in printed, printed

    code, printed = run_py("labs", "reset", "11")
    assert code == 0, printed
    for one in (f"the topic {name}", f"the topic {name}-done", f"the group {name}"):
        assert f"deletes     {one}\n" in printed
    assert not {topic for topic in admin.list_topics(timeout=20).topics if topic.startswith(learner)}
    assert history.of(name) == history.History()


@pytest.mark.repeats
def test_after_a_reset_it_can_be_done_again(run_py, learner):
    for _ in range(2):
        code, printed = run_py(PROGRAM)
        assert code == 0, printed
        assert "reads partition 1, offset 0" in printed
        assert "4 of 6 reached" in run_py("check", "11")[1]
        assert f"the group {learner}-slow\n" in run_py("labs", "reset", "11")[1]
        assert "0 of 6 reached" in run_py("check", "11")[1]
