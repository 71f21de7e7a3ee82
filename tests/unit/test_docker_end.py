"""What is stopped in Docker, and what is reported about it, with a `docker` that plays an engine's answers."""

import pytest

from brokers import cluster, containers, docker
from launcher import start
from launcher.session import Session
from plumbing import Problem
from tests import fake_docker as says
from tests.fake_docker import failing
from tests.unit.test_docker import UP_CLUSTER, refusal, started

RUNNING = "ps --status running --services"


@pytest.mark.parametrize(
    ("before", "keeps_running", "last"),
    [
        ("", False, "compose down"),
        ("kafdrop", False, "compose stop kafka"),
        ("kafka", True, "compose stop kafdrop"),
        ("kafka\nkafdrop", True, "compose up -d --no-deps --quiet-pull kafdrop"),
    ],
)
def test_only_what_was_started_is_ended(engine, before, keeps_running, last):
    engine.play({"to": f"compose -f docker-compose.yml {RUNNING}", "says": before})
    broker = started()
    assert ("keeps running" in broker.description) == keeps_running
    broker.stop()
    assert engine.calls()[-1] == last


def test_a_start_that_fails_stops_nothing_that_was_running(engine):
    engine.play(
        {"to": f"compose -f docker-compose.yml {RUNNING}", "says": "kafka\nkafdrop"},
        failing("compose -f docker-compose.yml up", says.UNHEALTHY.format(name="kafka")),
    )
    assert refusal().remedy == "docker compose logs kafka"
    assert not {"down", "stop", "rm", "kill"} & {call.split()[1] for call in engine.calls()}


@pytest.mark.parametrize("answer", [failing("compose -f docker-compose.yml down", says.NO_ENGINE), {"seconds": 60}])
def test_what_docker_failed_to_end_is_not_reported_as_ended(engine, answer, monkeypatch, capsys):
    monkeypatch.setattr(docker, "STOP_SECONDS", 1.0)
    engine.play({"to": "compose -f docker-compose.yml down"} | answer)
    monkeypatch.setattr(start, "check_settings", lambda: None)
    monkeypatch.setattr(start, "handle_signals", lambda: None)

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
        (says.NO_ENGINE, "-> start Docker Desktop"),
    ],
)
def test_a_broker_that_docker_cannot_start_is_not_reported_as_back(engine, session, capsys, words, hint):
    engine.play(failing(UP_CLUSTER, words))
    assert session.obey("start kafka-1")
    shown = capsys.readouterr().out
    assert words in shown
    assert hint in shown
    assert "is back" not in shown
    assert "--broker local" not in shown


def test_a_broker_that_docker_started_is_reported_as_back(engine, session, capsys):
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


def test_an_unknown_state_is_reported_as_unknown(engine, session, capsys):
    engine.play(failing("compose", says.NO_ENGINE))
    assert session.obey("status")
    shown = capsys.readouterr().out
    assert shown.count("not known: ") == 3
    assert "not running" not in shown.split("producer")[0]
