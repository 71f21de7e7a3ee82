"""`python run.py doctor` finds what is wrong and how to fix it: each fault is caused here."""

import os
import re
import signal
import socket
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from brokers import compose, explain, java, local
from brokers.jars import CURRENT
from brokers.topic import warn_of_missing_events
from launcher import doctor
from plumbing import Problem
from plumbing.kafka import client_config
from tests.brokers import TOPIC, delete, joined, local_broker, recreate, with_topic
from tests.programs import consumer, wait_until


@pytest.fixture(scope="module")
def broker(new_likes, shared_broker):
    """That of the other tests; they have the topic again afterwards."""
    return shared_broker


@pytest.fixture
def admin(broker, monkeypatch):
    """A client of that broker, which is the one that doctor looks at, and which has no topic."""
    monkeypatch.setattr("settings.BOOTSTRAP_SERVERS", broker.bootstrap_servers)
    monkeypatch.setattr(doctor.jars, "broken_or_missing", lambda _kafka: [])  # takes a while
    delete(broker.bootstrap_servers)
    return AdminClient(client_config(broker.bootstrap_servers))


def found(about: str) -> doctor.Finding:
    return next(finding for finding in doctor.findings() if finding.about == about)


def test_a_topic_with_another_number_of_partitions_and_its_fix(admin, broker):
    recreate(broker.bootstrap_servers, partitions=1)
    finding = found("topic")
    assert finding.what == "likes has 1 partitions"
    command, arguments = finding.fix.partition("   ")[0].removeprefix("python run.py ").split(" ", 1)
    assert java.run_command(command, arguments.split()) == 0
    wait_until(lambda: found("topic").what == "the topic likes is missing", "the topic is deleted")
    assert "python run.py topic" in found("topic").fix


def test_a_clock_that_is_ahead(admin, broker):
    recreate(broker.bootstrap_servers)
    producer = Producer(client_config(broker.bootstrap_servers))
    producer.produce(TOPIC, b"{}", timestamp=int((time.time() + 3600) * 1000))
    assert producer.flush(20) == 0
    assert "s in the future" in found("clock").what
    assert "clock" in found("clock").fix


@pytest.mark.parametrize(("seconds", "side"), [(7200, "ahead of"), (-7200, "behind")])
def test_a_clock_that_is_not_the_brokers(admin, broker, monkeypatch, seconds, side):
    recreate(broker.bootstrap_servers)
    now = time.time
    monkeypatch.setattr("launcher.doctor.time.time", lambda: now() + seconds)
    assert re.fullmatch(rf"the clock of this computer is \d+ s {side} the broker's", found("clock").what)
    assert found("clock").fix
    assert not [name for name in admin.list_topics(timeout=20).topics if name.startswith("doctor-")]


def end_twice(log: Path) -> None:
    """Write the last batch of this log again, with the same offset, as Kafka 4 does when its disk fills up."""
    content, begin, end = log.read_bytes(), 0, 0
    while end + 12 <= len(content) and (size := int.from_bytes(content[end + 8 : end + 12], "big")):
        begin, end = end, end + 12 + size
    log.write_bytes(content[:end] + content[begin:end])


@pytest.mark.slow
def test_committed_offsets_that_the_broker_cannot_read(group, tmp_path, monkeypatch, start):
    """A fault of Kafka 4. What doctor says to type brings the consumers back, and costs no like."""
    monkeypatch.setattr("settings.GROUP", group)
    monkeypatch.setattr(local, "FOLDER", tmp_path)
    broker = local_broker(tmp_path, CURRENT)
    with broker as servers:
        with_topic(servers)
        reader = start(consumer(servers, group))
        writer = Producer(client_config(servers))
        writer.produce(TOPIC, b"{}")
        assert writer.flush(20) == 0
        reader.wait_for_status(lambda status: status["skipped"] == 1)
        reader.interrupt()
    end_twice(tmp_path / "data/__consumer_offsets-0/00000000000000000000.log")
    with broker as servers:
        monkeypatch.setattr("brokers.topic.GROUP", group)
        assert warn_of_missing_events(servers) is None  # without readable offsets, it has nothing to say
        reader = start(consumer(servers, group))
        reader.wait_for("has given this consumer no assignment since")
        finding = doctor._group(AdminClient(client_config(servers)), servers)
        assert "the broker cannot read __consumer_offsets-0: New last written offset" in finding.what
        command, arguments = finding.fix.partition("   ")[0].removeprefix("python run.py ").split(" ", 1)
        assert java.run_command(command, arguments.split()) == 0
        reader.wait_for_status(lambda status: status["skipped"] == 1 and not status["problem"])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot pause a process with a signal")
def test_a_broker_that_hangs(admin, broker):
    os.kill(broker.process.pid, signal.SIGSTOP)
    try:
        finding = found("kafka")
    finally:
        os.kill(broker.process.pid, signal.SIGCONT)
    assert finding.what == f"no broker answers on {broker.bootstrap_servers}"
    assert "python run.py" in finding.fix


def test_a_group_that_is_stuck_in_a_rebalance(admin, broker, group, monkeypatch):
    """A member that does not poll does not rejoin, and the others wait for it."""
    monkeypatch.setattr("settings.GROUP", group)
    recreate(broker.bootstrap_servers)
    own = {"session.timeout.ms": 45_000}
    one = joined(broker.bootstrap_servers, group, own)
    two = Consumer(client_config(broker.bootstrap_servers) | {"group.id": group} | own)
    try:
        two.subscribe([TOPIC])
        wait_until(lambda: two.poll(0.2) or found("group").fix, "the group waits")
        assert f"{group} is rebalancing" in found("group").what
        assert "restart the consumers" in found("group").fix
    finally:
        two.close()
        one.close()


def test_a_client_id_is_printed_as_text(admin, broker, group, monkeypatch, capsys):
    monkeypatch.setattr("settings.GROUP", group)
    recreate(broker.bootstrap_servers)
    member = joined(broker.bootstrap_servers, group, {"client.id": "\x1b[31mred\n! kafka\u202e"})
    try:
        doctor.main()
    finally:
        member.close()
    written = capsys.readouterr().out
    assert r"\x1b[31mred\n! kafka\u202e [0, 1, 2]" in written
    assert all(line.isprintable() for line in written.split("\n"))


def test_a_port_that_is_taken_names_the_process(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr("settings.PRODUCER_PORT", server.getsockname()[1])
        finding = next(doctor._programs())
    assert f"(pid {os.getpid()})" in finding.what
    assert str(os.getpid()) in finding.fix


@pytest.mark.parametrize(
    ("problem", "needs_fix"),
    [("Docker is installed, but its engine is not running", True), ("Docker is not installed", False), ("", False)],
)
def test_docker_that_is_stopped(monkeypatch, problem, needs_fix):
    monkeypatch.setattr(explain, "engine_problem", lambda: Problem(problem) if problem else None)
    assert bool(doctor._docker(needed=True).fix) == needs_fix
    assert doctor._docker(needed=False).fix == ""


IMAGES = {
    "bitnami/kafka:3.7": "moved away",
    "bitnamilegacy/kafka:4.0": "another version",
    "bitnamilegacy/kafka:3.7": "",
}


@pytest.mark.parametrize(("image", "words"), IMAGES.items())
def test_an_image_of_the_old_name_or_of_another_version(monkeypatch, image, words):
    monkeypatch.setattr("settings.KAFKA_IMAGE", image)
    finding = doctor._image()
    assert words in finding.what
    assert ("KAFKA_IMAGE" in finding.fix) == bool(words)


def test_a_disk_that_is_nearly_full(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=300 * 2**20))
    assert doctor._disk().what == "300 MB free"
    assert "make room" in doctor._disk().fix


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "half written"),
        ("version=1\n", "half written"),
        ("cluster.id=another-cluster-000000\n", "belongs to cluster another-cluster-000000"),
        (f"cluster.id={compose.SINGLE.environment['KAFKA_KRAFT_CLUSTER_ID']}\n", ""),
    ],
)
def test_a_data_folder_that_is_half_written_or_of_another_cluster(monkeypatch, tmp_path, content, words):
    monkeypatch.setattr(local, "FOLDER", tmp_path)
    (tmp_path / "data").mkdir()
    if content is not None:
        (tmp_path / "data" / "meta.properties").write_text(content)
    (finding,) = doctor._data()
    assert words in finding.what
    assert ("python run.py clean" in finding.fix) == bool(words)
