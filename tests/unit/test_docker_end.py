"""What Docker refuses and leaves undone, what is stopped in it, and what is reported about that, with a `docker` that
plays an engine's answers."""

from unittest.mock import Mock

import pytest

from brokers import cluster, containers, docker
from labs import frozen
from launcher import cli, doctor, start
from launcher.session import Session
from plumbing import Problem
from tests import fake_docker as says
from tests.fake_docker import failing
from tests.unit.test_docker import UP, UP_CLUSTER, refusal, started

RUNNING = "ps --status running --services"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (says.DENIED_SHORT, "check the image: KAFKA_IMAGE, docker-compose.cluster.yml"),
        (says.NAME_TAKEN.format(name="kafka-1"), "docker rename kafka-1 kafka-1-old "),
        ("container kafka-2 exited (1)", "docker compose -f docker-compose.cluster.yml logs kafka-2"),
        ("something new", "docker compose -f docker-compose.cluster.yml up -d --wait   (shows more)"),
    ],
)
def test_the_next_thing_to_type_is_for_the_file_that_failed(engine, words, hint):
    engine.play(failing(UP_CLUSTER, words))
    refused = refusal(cluster.DockerCluster())
    assert words in str(refused)
    assert refused.remedy.startswith(hint)
    assert refused.hint.endswith("; or: python run.py --brokers 3 --broker local")


def test_an_engine_that_does_not_answer_is_passed_over(engine, monkeypatch):
    engine.play({"to": "info", "seconds": 60})
    monkeypatch.setattr(containers.docker, "__kwdefaults__", {"timeout": 0.3})
    assert "its engine did not answer" in str(docker.engine_problem())
    assert "its engine did not answer" in str(refusal())


def test_a_docker_that_is_found_but_cannot_be_started_is_named(engine):
    (engine.folder / "docker").write_text("no program")
    assert str(refusal()).startswith("Docker is installed, but its engine did not answer: docker cannot be started: ")
    assert refusal().remedy == "docker ps   (shows whether it works)"
    assert doctor._docker(needed=True).fix.startswith("docker ps ")
    assert next(doctor._containers(needed=True)).about == "kafdrop"


def test_a_start_that_takes_too_long_is_ended(engine, monkeypatch):
    engine.play({"to": UP, "seconds": 60})
    monkeypatch.setattr(docker, "START_SECONDS", 0.5)
    refused = refusal()
    assert "Docker was not ready" in str(refused)
    assert refused.remedy.startswith("docker compose -f docker-compose.yml up -d --wait kafka ")
    assert engine.calls()[-1] == "compose stop kafka"  # whose log is kept


def test_the_settings_of_another_project_are_not_docker_s(engine, monkeypatch):
    monkeypatch.setenv("COMPOSE_FILE", "/elsewhere/compose.yml")
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "shop")
    monkeypatch.setattr("settings.KAFKA_IMAGE", "registry/kafka:3.7")
    monkeypatch.setenv("KAFKA_IMAGE", "registry/kafka:3.7 ")  # as `set KAFKA_IMAGE=... && ...` leaves it on Windows
    started()
    for entry in engine.log():
        assert not any(name.startswith("COMPOSE_") for name in entry["settings"])
        assert entry["settings"]["KAFKA_IMAGE"] == "registry/kafka:3.7"


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
    assert cli._clean(None) == 0
    shown = capsys.readouterr().out
    assert "to wipe them: docker compose down -v\n" in shown
    assert "to wipe them: docker compose -f docker-compose.cluster.yml down -v\n" in shown
    engine.play(failing("info", says.NO_ENGINE))
    assert cli._clean(None) == 0
    assert "what Docker keeps is not known, as Docker is installed, but its engine is not" in capsys.readouterr().out


def test_the_broker_of_a_lab_is_frozen_by_its_project(engine, monkeypatch):
    """Another project may also have a container called kafka."""
    monkeypatch.setattr("labs.frozen.local.running", lambda: None)
    with frozen.frozen_broker():
        pass
    assert engine.calls()[-2:] == ["compose pause kafka", "compose unpause kafka"]
    assert not engine.calls("pause")


# What is stopped


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
    monkeypatch.setattr(start, "create_likes", Mock(side_effect=Problem("the topic cannot be created", "a hint")))
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
    assert words in shown and hint in shown
    assert "is back" not in shown and "--broker local" not in shown


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
    assert not any(done in shown for done in ("is back", "stopped", "killed"))


def test_an_unknown_state_is_reported_as_unknown(engine, session, capsys):
    engine.play(failing("compose", says.NO_ENGINE))
    assert session.obey("status")
    shown = capsys.readouterr().out
    assert shown.count("not known: ") == 3
    assert "not running" not in shown.split("producer")[0]
