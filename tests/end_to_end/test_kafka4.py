"""`python run.py --kafka 4`: the first session of the README on the current Kafka, with data of its own."""

import re
import subprocess
import sys

import pytest

from brokers import jars
from brokers.jars import CURRENT
from tests.end_to_end.conftest import new_session
from tests.end_to_end.test_run import logged
from tests.programs import PATIENCE


def run(copy, *arguments: str) -> str:
    """What `python run.py ...` prints."""
    command = [sys.executable, "run.py", *arguments]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, encoding="utf-8", timeout=PATIENCE)
    return done.stdout + done.stderr


@pytest.mark.slow
def test_a_first_session_is_that_of_3(copy):
    version = jars.kafka_version(CURRENT)
    with new_session(copy, "--kafka", "4", "--broker", "local") as session:
        session.wait_for(rf"^  kafka +localhost:9092: Apache Kafka {re.escape(version)} \(local, data in \.kafka/4/\)$")
        session.type("like 6")
        for order in range(1, 7):
            session.wait_for(logged(order, consumer=(order - 1) % 3 + 1, partition=(order - 1) % 3))
        session.type("status")
        session.wait_for(r"^  consumer-3 +5004  pid \d+  partitions \[2\]  consumed 2  lag 0$")
        assert not (copy / ".kafka" / "data").exists()
        assert re.search("^likes-ui +Classic ", run(copy, "kafka-groups", "--list"), re.MULTILINE)
        doctor = run(copy, "doctor")
        assert f"{version}: all there, verified" in doctor
        assert "all is well" in doctor
        assert "a broker works in .kafka/4/" in run(copy, "clean")
        session.type("quit")
        assert session.wait() == 0
    assert ".kafka/4/data/ belongs to cluster hands-on-kafka-four--A" in run(copy, "doctor")
    run(copy, "clean")
    assert not (copy / ".kafka").exists()
