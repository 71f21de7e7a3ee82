"""The programs of a lab on a real broker, whatever happened before: a second run, Ctrl+C, a reset, a Kafka 3.7."""

import os
import signal
import sys

import pytest
from confluent_kafka.admin import AdminClient

from labs import checks, kafka4
from labs.internals import history
from plumbing.kafka import client_config
from settings import LEARNER
from tests.kafka.conftest import new_learner
from tests.programs import Program, expect_no_traceback, run_py
from tests.scheduling import rest_repeats

pytestmark = pytest.mark.slow
PROTOCOLS, MIGRATION = (f"labs/lab_15_new_protocol/{name}.py" for name in ("protocols", "migration"))
TWICE = {  # lab -> what is typed, and how many goals that reaches
    12: (["labs/lab_12_retention/retention.py"], "2 of 2"),
    17: (["labs/lab_17_batching/batching.py"], "5 of 5"),
    18: (["labs/lab_18_event_time/late_likes.py", "labs/lab_13_exactly_once/likes_per_minute.py"], "3 of 3"),
}
INTERRUPTED = [  # the lab, what is typed, and what that has printed when the Ctrl+C comes
    (11, "labs/lab_11_slow_consumer/slow_consumer.py", "slow +reads partition 1, offset 0"),
    (14, "labs/lab_14_throughput/lag.py", "lag grows"),
    (15, PROTOCOLS, "^range"),
    (15, MIGRATION, "^two old ones"),
]


@pytest.fixture
def learner_of(request, monkeypatch):
    """`learner_of(lab)`: a broker for this lab (its address is also that of this process then), and a new learner."""

    def on_a_broker(lab: int) -> tuple[str, str]:
        servers = request.getfixturevalue("kafka_4" if lab in kafka4.LABS else "kafka")
        monkeypatch.setattr("settings.BOOTSTRAP_SERVERS", servers)
        return servers, new_learner()

    return on_a_broker


def expect_nothing_after_a_reset(lab: int, servers: str, learner: str) -> None:
    """It is refused while a group of the lab has a member."""
    code, printed = run_py(servers, learner, "labs", "reset", str(lab))
    assert code == 0, printed
    assert "deletes     nothing" not in printed
    topics = AdminClient(client_config(servers)).list_topics(timeout=20).topics
    assert not [topic for topic in topics if topic.startswith(learner)]
    for group in checks.leaves(lab).groups:
        assert history.of(group.replace(LEARNER, learner, 1)) == history.History()
    assert "0 of " in run_py(servers, learner, "check", str(lab))[1]


@pytest.mark.repeats
@pytest.mark.parametrize("lab", TWICE)
def test_a_lab_can_be_done_twice_and_a_reset_leaves_nothing(lab, learner_of):
    servers, learner = learner_of(lab)
    programs, reached = TWICE[lab]
    for _ in range(2):
        for program in programs:
            code, printed = run_py(servers, learner, program, seconds=240)
            assert code == 0, printed
        assert f"{reached} reached" in (checked := run_py(servers, learner, "check", str(lab))[1]), checked
    expect_nothing_after_a_reset(lab, servers, learner)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C for a process group of its own")
@pytest.mark.parametrize(("lab", "typed", "shown"), rest_repeats(INTERRUPTED))
def test_after_ctrl_c_a_reset_leaves_nothing(lab, typed, shown, learner_of, start):
    servers, learner = learner_of(lab)
    program = start(Program(sys.executable, "run.py", typed, KAFKA_BOOTSTRAP_SERVERS=servers, LEARNER=learner))
    program.wait_for(shown)
    os.killpg(program.process.pid, signal.SIGINT)
    assert program.wait() == 130
    expect_no_traceback(program.lines)
    expect_nothing_after_a_reset(lab, servers, learner)
