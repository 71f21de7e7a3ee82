"""What a failure of Docker means, for run.py and the batch files alike. Each message is one that Docker has written."""

import os
import subprocess
import sys

import pytest

from brokers import explain
from brokers.ports import PortHolder
from launcher import doctor
from tests import fake_docker as says
from tests.fake_docker import failing
from tests.programs import ROOT

DESKTOP = "Ports are not available: exposing port TCP 127.0.0.1:9092 -> 127.0.0.1:0: listen "
REGISTRY = "Error response from daemon: Get https://registry.example/v2/: "
MESSAGES = [
    ("Error response from daemon: pull access denied for bitnami/kafka, repository does not exist", "check the image"),
    ("manifest for bitnamilegacy/kafka:3.7 not found: manifest unknown", "check the image: KAFKA_IMAGE"),
    (says.INVALID, "check the image"),
    (REGISTRY + "dial tcp: lookup registry.example: no such host", "check the network"),
    (REGISTRY + "net/http: TLS handshake timeout", "check the network"),
    ("toomanyrequests: You have reached your unauthenticated pull rate limit. https://...", "docker login, or wait"),
    ('exec: "docker-credential-desktop": executable file not found in %PATH%', "remove the line with credsStore from "),
    (DESKTOP + "tcp 127.0.0.1:9092: bind: Only one usage of each socket address is permitted.", "end it (kill 7)"),
    ("Bind for 127.0.0.1:9092 failed: port is already allocated", "end it (kill 7)"),
    ("driver failed: address already in use", "python run.py doctor"),
    ("bind: An attempt was made to access a socket in a way forbidden by its access permissions.", "the system has"),
    ("failed to register layer: write rocksdbjni.jar: no space left on device; pull failed", "make room"),
    (says.NAME_TAKEN.format(name="kafka"), "docker rename kafka kafka-old "),
    (says.NAME_TAKEN.format(name="kafka-old"), "docker rename kafka-old kafka-old-old "),
    (says.UNHEALTHY.format(name="kafka"), "docker compose logs kafka"),
    ("no matching manifest for windows/amd64 10.0.26100 in the manifest list entries", "right-click Docker's whale"),
    ("unknown flag: --wait", "update Docker Desktop"),
    ("docker: 'compose' is not a docker command.", "update Docker Desktop"),
    ("unknown shorthand flag: 'd' in -d", "update Docker Desktop"),
    (says.NO_PERMISSION, "sudo usermod -aG docker"),
    (says.NO_ENGINE, "start Docker Desktop"),
    ("error during connect: open //./pipe/dockerDesktopLinuxEngine: The system cannot find the file", "start Docker"),
    ("Error response from daemon: No such container: kafka", "start_kafka.bat"),
    ("Timed out waiting for a node assignment. Call: createTopics", "if Kafka has just started"),
    ("the whale has hiccups", "docker compose up -d --wait   (shows more)"),
]


@pytest.mark.parametrize(("words", "remedy"), MESSAGES)
def test_dockers_failures_come_with_the_next_thing_to_type(words, remedy, monkeypatch):
    monkeypatch.setattr(explain, "_port_holder", lambda _port: PortHolder(7, "nginx"))
    monkeypatch.setattr(explain, "named", lambda _name: None)
    monkeypatch.setattr(os, "name", "posix")
    reason = explain.why_it_failed(f" Network x  Creating\n{words}\n")
    assert words in str(reason)
    assert reason.remedy.startswith(remedy)
    # The local broker would need the same port.
    assert reason.hint.endswith("; or: python run.py --broker local") == (not reason.remedy.startswith("end it"))


def test_our_own_kafka_4_is_not_another_project(engine):
    engine.play({"to": "ps --all", "says": says.container("kafka", "hands-on-kafka-4")})
    remedy = explain.why_it_failed(says.NAME_TAKEN.format(name="kafka")).remedy
    assert remedy.startswith("docker compose -f docker-compose.kafka4.yml down ")
    engine.play({"to": "ps --all", "says": says.container("kafka", "shop")})
    assert explain.why_it_failed(says.NAME_TAKEN.format(name="kafka")).remedy.startswith("docker rename kafka ")


@pytest.mark.parametrize(
    ("written", "what", "remedy"),
    [
        (
            "[2026-01-01 10:00:00,000] ERROR Exiting Kafka due to fatal exception (kafka.Kafka$)\n"
            "java.lang.RuntimeException: Invalid cluster.id in: /bitnami/kafka/data/meta.properties. Expected A, but",
            "the data in its volume belongs to a cluster with another id",
            "docker compose down -v ",
        ),
        ("java.io.IOException: No space left on device", "the disk is full", "make room"),
        ("a line that says nothing", "", "docker compose logs kafka"),
    ],
)
def test_why_a_container_ended_is_in_its_log(engine, written, what, remedy):
    listed = {"to": "ps --all", "says": says.container("kafka", "hands-on-kafka", "Exited (1) 2 minutes ago")}
    engine.play({"to": "logs", "says": written}, listed)
    reason = explain.why_it_failed(says.UNHEALTHY.format(name="kafka"))
    assert what in str(reason)
    assert reason.remedy.startswith(remedy)
    found = [finding for finding in doctor._containers(needed=True) if finding.about == "container"]
    assert [finding.fix for finding in found] == ([reason.remedy] if what else [])


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ('Failed to initialize: unable to resolve docker endpoint: context "x": context not found', "unset DOCKER_CO"),
        ("Emulate Docker CLI using podman. Create /etc/containers/nodocker to quiet msg.", "install Docker"),
        (says.NO_ENGINE, "start Docker Desktop, or on Linux: sudo systemctl start docker"),
        (says.NO_PERMISSION, "sudo usermod -aG docker"),
    ],
)
def test_what_is_no_engine_is_named(engine, words, remedy):
    engine.play(failing("info", words))
    assert explain.engine_problem().hint.startswith(remedy)


def run(engine, path: str = "", words: str = "docker compose up -d --wait kafka") -> subprocess.CompletedProcess:
    """As start_kafka.bat does; without packages."""
    command = [sys.executable, "-S", "-m", "brokers.explain", *words.split()]
    environment = {**os.environ, "PATH": path or engine.path, "COMPOSE_FILE": "other.yml"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_a_command_of_a_batch_file_runs_once_and_its_failure_is_explained(engine):
    done = run(engine)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (0, "", "")
    engine.play(failing("compose up", says.UNHEALTHY.format(name="kafka")))
    done = run(engine)
    assert done.returncode == 1
    assert done.stderr == says.UNHEALTHY.format(name="kafka") + "\n"
    assert "\n  -> docker compose logs kafka; or: python run.py\n" in done.stdout
    assert engine.calls() == ["compose up -d --wait kafka"] * 2
    assert not any("COMPOSE_FILE" in entry["settings"] for entry in engine.log())


def test_an_engine_that_cannot_be_used_is_named_where_the_words_say_nothing(engine):
    engine.play(failing("compose up", "hiccups"), {"to": "info", "says": "windows"})
    done = run(engine)
    assert "Docker is set to Windows containers, and Kafka needs Linux ones\n  -> right-click" in done.stdout


def test_what_kafkas_tool_refuses_is_in_its_words_and_in_the_brokers_log(engine):
    engine.play(failing("exec kafka", "Replication factor: 1 larger than available brokers: 0."))
    done = run(engine, words="docker exec kafka kafka-topics.sh --create")
    assert "docker failed: Replication factor: 1 larger than" in done.stdout
    assert "\n  -> docker logs kafka; or: python run.py\n" in done.stdout


def test_without_docker_a_batch_file_says_so(engine, tmp_path):
    done = run(engine, path=str(tmp_path))
    assert done.returncode == 1
    assert done.stdout == "Docker is not installed\n  -> install Docker Desktop; or without Docker: python run.py\n"
