"""The Docker path of run.py, with a `docker` that plays what a real engine answers."""

import os
import socket
import subprocess
import sys

import pytest

from brokers import NotAvailable, choose, cluster, containers, docker, ports
from launcher import cli, doctor, start
from launcher.session import Session
from plumbing import Problem
from tests import fake_docker as says
from tests.fake_docker import FakeDocker, container

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the docker of these tests is a script with a #! line")
UP = "compose -f docker-compose.yml up -d --wait"
UP_CLUSTER = "compose -f docker-compose.cluster.yml up -d --wait"
UP_KAFDROP = "compose -f docker-compose.yml up -d --no-deps"
RUNNING = "ps --status running --services"


@pytest.fixture
def engine(tmp_path, monkeypatch) -> FakeDocker:
    engine = FakeDocker(tmp_path / "docker")
    monkeypatch.setenv("PATH", engine.path)
    return engine


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


def failing(to: str, words: str) -> dict:
    return {"to": to, "code": 1, "says": words}


def started(broker=None) -> docker.DockerBroker:
    broker = broker or docker.DockerBroker()
    broker.start(lambda _text: None)
    return broker


def refusal(broker=None) -> NotAvailable:
    with pytest.raises(NotAvailable) as refused:
        started(broker)
    return refused.value


# Names


@pytest.mark.parametrize("name", ["kafka", "kafka-old"])
def test_the_name_that_is_taken_is_the_one_that_docker_names(engine, name):
    engine.play(failing(UP, says.NAME_TAKEN.format(name=name)))
    assert refusal().remedy.startswith(f"docker rename {name} {name}-old ")


def test_the_name_of_one_of_three_is_taken(engine):
    engine.play(failing(UP_CLUSTER, says.NAME_TAKEN.format(name="kafka-1")))
    refused = refusal(cluster.DockerCluster())
    assert refused.remedy.startswith("docker rename kafka-1 kafka-1-old ")
    assert refused.hint.endswith("; or: python run.py --brokers 3 --broker local")


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
def test_only_a_kafdrop_that_was_started_is_in_the_table(url, capsys):
    with socket.create_server(("127.0.0.1", 9000)):  # another program
        broker = choose.ExistingBroker("localhost:9092")
        broker.kafdrop = url
        session = Session(broker)
        try:
            session.print_table()
        finally:
            session.control.close()
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


@pytest.mark.parametrize("project", ["hands-on-kafka", "shop"])
def test_a_broker_that_starts_in_docker_is_waited_for(engine, monkeypatch, project):
    starting = containers.Container("kafka", "x", project, "Up 3 seconds (health: starting)")
    engine.play({"to": "ps", "says": container("kafka", project, "Up 9 seconds (health: starting)")})
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


# What Docker says


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (says.DENIED, "check the image: KAFKA_IMAGE, docker-compose.cluster.yml"),
        (says.DENIED_SHORT, "check the image: KAFKA_IMAGE, docker-compose.cluster.yml"),
        (says.INVALID, "check the image: KAFKA_IMAGE, docker-compose.cluster.yml"),
        (says.UNHEALTHY.format(name="kafka-1"), "docker compose -f docker-compose.cluster.yml logs kafka-1"),
        ("container kafka-2 exited (1)", "docker compose -f docker-compose.cluster.yml logs kafka-2"),
        ("something new", "docker compose -f docker-compose.cluster.yml up -d --wait   (shows more)"),
        (says.NO_PERMISSION, "sudo usermod -aG docker $USER, then log in again"),
        ("toomanyrequests: You have reached your pull rate limit", "docker login"),
    ],
)
def test_the_next_thing_to_type_is_for_the_file_that_failed(engine, words, hint):
    engine.play(failing(UP_CLUSTER, words))
    refused = refusal(cluster.DockerCluster())
    assert words in str(refused)
    assert refused.remedy.startswith(hint)


def test_who_may_not_use_docker_is_told_so(engine):
    engine.play(failing("info", says.NO_PERMISSION))
    assert "this user may not use it" in str(refusal())
    assert doctor._docker(needed=True).fix.startswith("sudo usermod -aG docker")


def test_an_engine_that_does_not_answer_is_passed_over(engine, monkeypatch):
    engine.play({"to": "info", "seconds": 60})
    monkeypatch.setattr(containers.docker, "__kwdefaults__", {"timeout": 0.3})
    assert "its engine did not answer" in docker.engine_problem()
    assert "its engine did not answer" in str(refusal())


def test_a_start_that_takes_too_long_is_ended(engine, monkeypatch):
    engine.play({"to": UP, "seconds": 60})
    monkeypatch.setattr(docker, "START_SECONDS", 0.5)
    refused = refusal()
    assert "Docker was not ready" in str(refused)
    assert refused.remedy.startswith("docker compose -f docker-compose.yml up -d --wait kafka ")
    assert engine.calls()[-1] == "compose down"


def test_the_settings_of_another_project_are_not_docker_s(engine, monkeypatch):
    monkeypatch.setenv("COMPOSE_FILE", "/elsewhere/compose.yml")
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "shop")
    monkeypatch.setattr("settings.KAFKA_IMAGE", "registry/kafka:3.7")
    monkeypatch.setenv("KAFKA_IMAGE", "registry/kafka:3.7 ")  # as `set KAFKA_IMAGE=... && ...` leaves it on Windows
    started()
    for entry in engine.log():
        assert not any(name.startswith("COMPOSE_") for name in entry["settings"])
        assert entry["settings"]["KAFKA_IMAGE"] == "registry/kafka:3.7"


# The end


def test_what_was_started_is_ended(engine):
    broker = started()
    broker.stop()
    assert engine.calls()[-1] == "compose down"


def test_what_was_running_before_is_left_running(engine):
    engine.play({"to": f"compose -f docker-compose.yml {RUNNING}", "says": "kafka\nkafdrop"})
    broker = started()
    assert "keeps running" in broker.description
    broker.stop()
    assert not {"down", "stop", "rm", "kill"} & {call.split()[1] for call in engine.calls()}


def test_only_what_was_started_beside_it_is_ended(engine):
    engine.play({"to": f"compose -f docker-compose.yml {RUNNING}", "says": "kafka"})
    broker = started()
    broker.stop()
    assert engine.calls()[-1] == "compose stop kafdrop"


@pytest.mark.parametrize("answer", [failing("compose -f docker-compose.yml down", says.NO_ENGINE), {"seconds": 60}])
def test_what_docker_has_not_ended_is_not_said_to_have_ended(engine, answer, monkeypatch, capsys):
    monkeypatch.setattr(docker, "STOP_SECONDS", 1.0)
    engine.play({"to": "compose -f docker-compose.yml down"} | answer)
    monkeypatch.setattr(start, "check_settings", lambda: None)
    monkeypatch.setattr(start, "_handle_signals", lambda: None)

    def no_topic(_servers):
        raise Problem("the topic cannot be created", "a hint")

    monkeypatch.setattr(start, "create_likes", no_topic)
    with pytest.raises(Problem, match=r"docker compose .*down") as refused:
        start.main("docker", 1)
    assert "docker ps" in refused.value.hint
    shown = capsys.readouterr().out
    assert "bye" not in shown
    assert "the topic cannot be created\n  -> a hint" in shown  # the reason of this end is not lost


# One of three


@pytest.fixture
def session(engine, monkeypatch) -> Session:
    monkeypatch.setattr("launcher.session.port_holder", lambda _port: None)
    session = Session(cluster.DockerCluster())
    yield session
    session.control.close()


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (says.UNHEALTHY.format(name="kafka-1"), "-> docker compose -f docker-compose.cluster.yml logs kafka-1"),
        (says.NO_ENGINE, "-> docker compose -f docker-compose.cluster.yml up -d --wait"),
    ],
)
def test_a_broker_that_docker_cannot_start_is_not_back(engine, session, capsys, words, hint):
    engine.play(failing(UP_CLUSTER, words))
    assert session.obey("start kafka-1")
    shown = capsys.readouterr().out
    assert words in shown
    assert hint in shown
    assert "is back" not in shown
    assert "--broker local" not in shown


def test_a_broker_that_docker_has_started_is_back(engine, session, capsys):
    assert session.obey("start kafka-1")
    assert "is back" in capsys.readouterr().out
    assert engine.calls()[-1].endswith("up -d --wait --quiet-pull kafka-1")


@pytest.mark.parametrize("verb", ["start", "stop", "kill"])
def test_a_docker_that_hangs_does_not_end_the_session(engine, session, capsys, monkeypatch, verb):
    running = {"to": f"compose -f docker-compose.cluster.yml {RUNNING}", "says": "" if verb == "start" else "kafka-1"}
    engine.play(running, {"to": "compose", "seconds": 60})
    monkeypatch.setattr(docker, "START_SECONDS", 1.0)
    real = containers.docker
    monkeypatch.setattr(docker, "docker", lambda *words, timeout=1.0: real(*words, timeout=min(timeout, 1.0)))
    assert session.obey(f"{verb} kafka-1")
    shown = capsys.readouterr().out
    assert "-> " in shown
    assert "is back" not in shown
    assert "stopped" not in shown
    assert "killed" not in shown


@pytest.mark.parametrize("verb", ["stop", "kill"])
def test_a_broker_that_docker_cannot_end_has_not_ended(engine, session, capsys, verb):
    running = {"to": f"compose -f docker-compose.cluster.yml {RUNNING}", "says": "kafka-1"}
    engine.play(running, failing(f"compose -f docker-compose.cluster.yml {verb}", says.NO_ENGINE))
    assert session.obey(f"{verb} kafka-1")
    shown = capsys.readouterr().out
    assert says.NO_ENGINE in shown
    assert "stopped" not in shown
    assert "killed" not in shown


def test_a_state_that_is_not_known_is_not_said_to_be_one(engine, session, capsys):
    engine.play(failing("compose", says.NO_ENGINE))
    assert session.obey("status")
    shown = capsys.readouterr().out
    assert shown.count("not known: ") == 3
    assert "not running" not in shown.split("producer")[0]


# prepare, clean


def test_images_that_are_there_are_not_pulled_again(engine):
    docker.DockerBroker().fetch_images()
    assert engine.calls() == ["compose pull --quiet --policy missing"]


def test_an_older_compose_pulls_all_images(engine):
    engine.play(failing("compose -f docker-compose.yml pull --quiet --policy", "unknown flag: --policy"))
    docker.DockerBroker().fetch_images()
    assert engine.calls()[-1] == "compose pull --quiet"


@pytest.mark.parametrize("words", [says.DENIED, says.INVALID])
def test_an_image_that_cannot_be_pulled_is_not_pulled_again_as_it_is(engine, words):
    engine.play(failing("compose", words))
    with pytest.raises(Problem, match=r"an image of docker-compose\.yml cannot be pulled") as refused:
        docker.DockerBroker().fetch_images()
    assert refused.value.hint == "check the image: KAFKA_IMAGE, docker-compose.yml, then: python run.py prepare"


def test_clean_says_what_wipes_the_events_in_docker(engine, monkeypatch, capsys, tmp_path):
    engine.play({"to": "volume ls", "says": "hands-on-kafka_kafka-data"})
    monkeypatch.setattr("brokers.local.FOLDER", tmp_path / "none")
    monkeypatch.setattr("brokers.local.running", lambda: None)
    monkeypatch.setattr("launcher.leftovers.left", list)
    assert cli._clean(None) == 0
    shown = capsys.readouterr().out
    assert "to wipe them: docker compose down -v\n" in shown
    assert "to wipe them: docker compose -f docker-compose.cluster.yml down -v\n" in shown


def test_the_broker_of_the_tests_needs_no_image_but_its_own(monkeypatch):
    testcontainers = pytest.importorskip("testcontainers.core.container")
    from tests.brokers import container as broker

    asked = []
    monkeypatch.setattr(testcontainers.Reaper, "get_instance", lambda: asked.append("ryuk"))
    monkeypatch.setattr(testcontainers.DockerContainer, "__init__", lambda self, *_, **__: None)
    monkeypatch.setattr(testcontainers.DockerContainer, "with_bind_ports", lambda self, *_: self)
    monkeypatch.setattr(testcontainers.DockerContainer, "with_env", lambda self, *_: self)
    monkeypatch.setattr(testcontainers.DockerContainer, "image", "kafka", raising=False)
    monkeypatch.setattr(testcontainers.DockerContainer, "get_docker_client", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        broker().__enter__()
    assert asked == []


def test_the_broker_of_a_lab_is_frozen_by_its_project(engine, monkeypatch):
    """Another project's container may be named kafka, too."""
    from labs import frozen

    monkeypatch.setattr("labs.frozen.local.running", lambda: None)
    with frozen.frozen_broker():
        pass
    assert engine.calls()[-2:] == ["compose pause kafka", "compose unpause kafka"]
    assert not engine.calls("pause")
