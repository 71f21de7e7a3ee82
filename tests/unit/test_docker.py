"""Names and ports that Docker's containers and others have taken, with a `docker` that plays an engine's answers."""

import contextlib
import os
import socket
import subprocess
import sys

import pytest

from brokers import NotAvailable, choose, containers, docker, ports
from launcher import doctor, start
from launcher.session import Session
from plumbing import Problem
from tests import fake_docker as says
from tests.fake_docker import container, failing

UP = "compose -f docker-compose.yml up -d --wait"
UP_CLUSTER = "compose -f docker-compose.cluster.yml up -d --wait"
UP_KAFDROP = "compose -f docker-compose.yml up -d --no-deps"


@pytest.fixture
def taken():
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def proxy(tmp_path):
    """A process that is named docker-proxy, as Docker's is, and the port on which it listens."""
    program = tmp_path / "docker-proxy"
    program.symlink_to(sys.executable)
    code = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    with subprocess.Popen([program, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield int(process.stdout.readline())
        process.stdin.close()


def started(broker=None) -> docker.DockerBroker:
    broker = broker or docker.DockerBroker()
    broker.start(lambda _text: None)
    return broker


def refusal(broker=None) -> NotAvailable:
    with pytest.raises(NotAvailable) as refused:
        started(broker)
    return refused.value


# Names


def test_run_py_that_takes_another_broker_says_what_would_free_the_name(engine, monkeypatch, capsys):
    engine.play(failing(UP, says.NAME_TAKEN.format(name="kafka")))
    monkeypatch.setattr(choose, "port_holder", lambda _port: None)
    monkeypatch.setattr(choose.LocalBroker, "start", lambda self, progress: None)
    with start.running_broker() as broker:
        assert isinstance(broker, choose.LocalBroker)
    shown = capsys.readouterr().out
    assert "-> docker rename kafka kafka-old " in shown
    assert "--broker local" not in shown  # that is what follows anyway
    assert "trying without: Apache Kafka" in shown


def test_doctor_names_a_container_of_another_project(engine):
    foreign = [container("kafka"), container("kafka-1", project="shop"), container("kafdrop", "hands-on-kafka")]
    engine.play({"to": "ps --all", "says": "\n".join(foreign)})
    found = [finding for finding in doctor._containers(needed=True) if finding.about == "container"]
    assert [finding.what.split(" (")[0] for finding in found] == ["the container kafka", "the container kafka-1"]
    assert found[0].fix.startswith("docker rename kafka kafka-old")
    assert not any(finding.fix for finding in doctor._containers(needed=False))


# Ports


def test_kafdrop_can_be_missing(engine, taken, monkeypatch):
    monkeypatch.setattr("settings.KAFDROP_PORT", taken)
    broker = started()
    (problem,) = broker.missing
    assert str(problem).startswith(f"Kafdrop was not started: port {taken} is taken by ")
    assert "KAFDROP_PORT" in problem.hint
    assert broker.kafdrop == ""
    assert not any("kafdrop" in call for call in engine.calls())


@pytest.mark.parametrize("words", [says.PORT_TAKEN.format(port=9000), says.NAME_TAKEN.format(name="kafdrop")])
def test_kafdrop_that_docker_cannot_start_is_a_warning(engine, words):
    engine.play(failing(UP_KAFDROP, words))
    broker = started()
    (problem,) = broker.missing
    assert words in str(problem)
    assert ("KAFDROP_PORT" in problem.hint) != ("docker rename kafdrop kafdrop-old" in problem.hint)
    assert broker.kafdrop == ""


def test_kafdrop_is_not_waited_for_and_gets_its_port(engine, monkeypatch):
    (port,) = ports.free_ports(1)
    monkeypatch.setattr("settings.KAFDROP_PORT", port)
    broker = started()
    assert broker.kafdrop == f"http://localhost:{port}"
    waited, not_waited = [call for call in engine.calls() if " up " in call]
    assert waited.endswith("--wait --quiet-pull kafka")
    assert "--wait" not in not_waited
    assert {entry["settings"]["KAFDROP_PORT"] for entry in engine.log()} == {str(port)}


@pytest.mark.parametrize("url", ["", "http://localhost:9001"])
def test_only_a_kafdrop_that_was_started_is_in_the_table(url, capsys, monkeypatch):
    monkeypatch.setattr("launcher.session.port_holder", lambda port: ports.PortHolder(42, "another program"))
    broker = choose.ExistingBroker("localhost:9092")
    broker.kafdrop = url
    session = Session(broker)
    with contextlib.closing(session.control):
        session.print_table()
    assert ("kafdrop" in capsys.readouterr().out) == bool(url)


def test_doctor_looks_at_the_port_of_kafdrop(engine, taken, monkeypatch):
    monkeypatch.setattr("settings.KAFDROP_PORT", taken)
    finding = list(doctor._containers(needed=True))[-1]
    assert finding.about == "kafdrop"
    assert f"port {taken} is taken by " in finding.what
    assert "KAFDROP_PORT" in finding.what
    assert finding.fix == ""  # the lessons do without it


def test_a_port_of_kafka_that_is_taken_is_named_with_its_holder(engine, taken):
    engine.play(failing(UP, says.PORT_TAKEN.format(port=taken)))
    refused = refusal()
    assert f"(port {taken}: " in str(refused)
    assert str(os.getpid()) in refused.remedy


def test_a_port_that_docker_holds_is_named_by_its_container(engine, proxy):
    engine.play({"to": f"ps --filter=publish={proxy}", "says": container("shop-kafka")})
    holder = ports.port_holder(proxy)
    assert str(holder) == "the container shop-kafka (image someone/kafka:3.9)"
    assert holder.how_to_end == "docker stop shop-kafka"


def test_nobody_is_told_to_end_docker_itself(engine, proxy):
    holder = ports.port_holder(proxy)
    assert "docker-proxy" in str(holder)
    assert "kill" not in holder.how_to_end
    assert "docker ps" in holder.how_to_end


def test_a_broker_that_starts_in_docker_is_waited_for(engine, monkeypatch):
    starting = containers.Container("kafka", "x", "shop", "Up 3 seconds (health: starting)")
    engine.play({"to": "ps", "says": container("kafka", "shop", "Up 9 seconds (health: starting)")})
    answers = iter([False, False, False, True])
    monkeypatch.setattr(choose, "port_holder", lambda _port: ports.PortHolder(container=starting))
    monkeypatch.setattr(choose, "answers", lambda *_: next(answers))
    announced = []
    (broker,) = choose.candidates(announce=announced.append)
    assert isinstance(broker, choose.ExistingBroker)
    assert announced == ["the container kafka (image x) is starting: waiting for it"]


@pytest.mark.parametrize("status", ["Up 3 hours (unhealthy)", "Up 2 minutes"])
def test_a_container_that_is_no_broker_is_named(engine, monkeypatch, status):
    there = containers.Container("web", "nginx", "", status)
    monkeypatch.setattr(choose, "port_holder", lambda _port: ports.PortHolder(container=there))
    monkeypatch.setattr(choose, "answers", lambda *_: False)
    with pytest.raises(Problem, match=r"port 9092 is taken by the container web \(image nginx\)") as refused:
        choose.candidates()
    assert "docker stop web" in refused.value.hint
