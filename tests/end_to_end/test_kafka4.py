"""`python run.py --kafka 4`: the first session of the README on the current Kafka, with data of its own."""

import re
import subprocess
import sys

import pytest

from brokers import jars
from brokers.jars import CURRENT
from tests.end_to_end.conftest import new_session, run_py
from tests.end_to_end.test_run import logged
from tests.programs import PATIENCE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def session(copy):
    with new_session(copy, "--kafka", "4", "--broker", "local") as program:
        yield program


def run(copy, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "run.py", *arguments]
    return subprocess.run(command, cwd=copy, capture_output=True, text=True, encoding="utf-8", timeout=PATIENCE)


def test_a_first_session_is_that_of_3(session, copy):
    version = re.escape(jars.kafka_version(CURRENT))
    session.wait_for(rf"^  kafka +localhost:9092: Apache Kafka {version} \(local, data in \.kafka/4/\)$")
    session.type("like 6")
    for order in range(1, 7):
        session.wait_for(logged(order, consumer=(order - 1) % 3 + 1, partition=(order - 1) % 3))
    session.type("status")
    session.wait_for(r"^  consumer-3 +5004  pid \d+  partitions \[2\]  consumed 2  lag 0$")
    assert (copy / ".kafka" / "4" / "data").is_dir()
    assert not (copy / ".kafka" / "data").exists()


def test_tools_and_doctor_use_the_new_login(session, copy):
    groups = run(copy, "kafka-groups", "--list")
    assert re.search("^likes-ui +Classic ", groups.stdout, re.MULTILINE), groups.stdout + groups.stderr
    doctor = run(copy, "doctor").stdout
    assert f"{jars.kafka_version(CURRENT)}: all there, verified" in doctor
    assert "all is well" in doctor


def test_its_likes_are_kept_until_clean(session, copy, start):
    assert "a broker works in .kafka/4/" in run(copy, "clean").stdout
    session.type("quit")
    assert session.wait() == 0
    assert ".kafka/4/data/ belongs to cluster hands-on-kafka-four--A" in run(copy, "doctor").stdout
    again = start(run_py(copy, "--kafka", "4", "--broker", "local"))
    again.wait_for("open this, click Like")
    again.type("like")
    again.wait_for(logged(7, consumer=1, partition=0))
    again.type("quit")
    assert again.wait() == 0
    assert run(copy, "clean").returncode == 0
    assert not (copy / ".kafka").exists()
