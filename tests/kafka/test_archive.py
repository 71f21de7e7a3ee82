"""The file that speeds up Java's start: written once, used by every broker, and never in the way."""

import contextlib
import sys
import time
from types import SimpleNamespace

import psutil
import pytest

from brokers import archive, jars, java
from brokers.jars import CURRENT, LESSONS
from brokers.local import LocalBroker
from plumbing.child import Child
from tests.brokers import local_broker
from tests.programs import wait_until


@pytest.fixture
def kept_in(tmp_path, monkeypatch):
    """A folder for archives, without one."""
    folder = tmp_path / "archives"
    folder.mkdir()
    monkeypatch.setattr(java, "ARCHIVES", folder)
    return folder


@pytest.mark.slow
def test_a_broker_takes_its_classes_from_the_archive(kept_in, tmp_path, monkeypatch):
    gone, kept = (kept_in / f"kafka-{jars.kafka_version(one)}-000000000000.jsa" for one in (LESSONS, CURRENT))
    gone.write_text("of a Java that is gone")
    kept.write_text("of the other Kafka")
    lines = []
    with monkeypatch.context() as patch:
        patch.setattr("settings.CLIENT_CONFIG", str(tmp_path / "client.properties"))
        (tmp_path / "client.properties").write_text("security.protocol=SASL_PLAINTEXT\n", encoding="utf-8")
        archive.make(lines.append)
    assert lines == ["preparing Java for quicker starts"]
    assert {*kept_in.iterdir()} == {java.archive(java.environment()), kept}
    archive.make(pytest.fail)  # it is there
    broker = local_broker(tmp_path / "broker")
    broker.java_options = ["-Xlog:class+load:file=classes.log"]
    with broker as servers:
        archive.use(servers)
    assert "cds" not in broker.log.read_text()  # no complaint about it
    text = (tmp_path / "broker" / "classes.log").read_text()
    for name in ("kafka.Kafka", "org.apache.kafka.common.requests.JoinGroupRequest"):  # at its start, for a consumer
        assert f" {name} source: shared objects file\n" in text


def test_the_end_of_a_session_stops_creating_the_archive(kept_in, tmp_path, monkeypatch):
    made = []

    def slow(*_command, **options):
        made.append(Child(sys.executable, "-c", "import time; time.sleep(100)", **options))
        return made[0]

    monkeypatch.setattr(archive, "Child", slow)
    monkeypatch.setattr(archive, "LATER_SECONDS", 0.0)
    with archive.made_for(SimpleNamespace(nodes=[LocalBroker(tmp_path)])):
        wait_until(lambda: made, "the process")
        process = psutil.Process(made[0].process.pid)
        wait_until(lambda: process.nice() not in (0, psutil.Process().nice()), "a low priority")
        started = time.monotonic()
    assert not made[0].running
    assert time.monotonic() - started < archive.STOP_SECONDS


def test_without_a_local_broker_no_archive_is_created(kept_in, monkeypatch):
    monkeypatch.setattr(archive, "Child", pytest.fail)
    monkeypatch.setattr(archive, "LATER_SECONDS", 0.0)
    with archive.made_for(SimpleNamespace(nodes=[])):
        pass


@pytest.mark.slow
def test_the_process_that_creates_the_archive_ends_immediately_when_asked(kept_in):
    code = f"from pathlib import Path; from brokers import archive, java; java.ARCHIVES = Path({str(kept_in)!r})"
    child = Child(sys.executable, "-c", f"{code}; archive.main(3)")
    try:
        (broker,) = wait_until(lambda: _brokers_of(child.process.pid), "the broker that lists classes")
        child.ask_to_stop()
        assert child.wait(30) == 0
        assert not broker.is_running()
        assert not list(kept_in.iterdir())
    finally:
        child.kill()


def _brokers_of(pid: int) -> list[psutil.Process]:
    found = []
    for process in psutil.Process(pid).children():
        with contextlib.suppress(psutil.Error):  # Kafka's short commands end meanwhile
            if "kafka.Kafka" in process.cmdline():
                found.append(process)
    return found
