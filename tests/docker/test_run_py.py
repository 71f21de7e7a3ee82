"""`python run.py --broker docker` and the compose files, end to end: with their own names, ports and volumes."""

import subprocess

import pytest

from brokers import docker as broker
from brokers.compose import SINGLE
from brokers.containers import PROJECT_LABEL, PROJECTS, of_others
from brokers.ports import port_holder
from tests.docker.conftest import docker
from tests.end_to_end.conftest import READY, nothing_is_left, run_py
from tests.programs import Program, wait_until

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(bool(broker.engine_problem()), reason=f"start Docker: {broker.engine_problem()}"),
    pytest.mark.timeout(600),
]


@pytest.fixture
def session(learners_project):
    """Start run.py with these arguments; it ends with the test."""
    sessions = []

    def start(*arguments: str, **environment: str) -> Program:
        program = run_py(learners_project, *arguments, **environment)
        sessions.append(program)
        return program

    yield start
    for program in sessions:
        if program.running:
            program.process.terminate()
            program.wait()
        program.kill()


@pytest.fixture
def foreign():
    """Start a container that belongs to no compose project: `docker run` with these arguments."""
    containers = []

    def run(*arguments: str) -> None:
        containers.append(docker("run", "-d", *arguments, "--entrypoint", "sleep", SINGLE.image, "600"))

    yield run
    for container in containers:
        docker("rm", "--force", container)


def quit(program: Program, code: int = 0) -> None:
    program.type("quit")
    assert program.wait(120) == code, "\n".join(program.lines)


def like(program: Program, order: int) -> None:
    program.type("like")
    program.wait_for(f"Consumed: order={order} ")


def partitions(address: str, which: str) -> str:
    """Those of `likes` that the broker at this address inside Docker lists under this option of kafka-topics.sh."""
    command = ["kafka-topics.sh", "--bootstrap-server", address, "--describe", "--topic", "likes", which]
    return docker("exec", address.partition(":")[0], *command)


def containers(*which: str) -> set[str]:
    """The names of the compose projects' containers that run; with `--all`, also of those that have ended."""
    listed = docker("ps", *which, "--format", '{{.Label "com.docker.compose.project"}} {{.Names}}').splitlines()
    return {name for project, _, name in (line.partition(" ") for line in listed) if project in PROJECTS.values()}


def folded(program: Program) -> str:
    return "\n".join(program.lines)


def test_a_session_takes_away_its_containers_and_keeps_the_events(session):
    first = session("--broker", "docker")
    first.wait_for(READY)
    assert containers() == {"kafka", "kafdrop"}
    first.wait_for("kafdrop +http://localhost:9000 ")
    wait_until(lambda: port_holder(9000), "Kafdrop's port")
    assert port_holder(9092).container.is_ours
    assert of_others() == []
    like(first, order=1)
    quit(first)
    assert containers("--all") == set()
    assert nothing_is_left()

    second = session("--broker", "docker", KAFDROP_PORT="19000")
    second.wait_for(READY)
    like(second, order=2)
    wait_until(lambda: port_holder(19000) and not port_holder(9000), "Kafdrop on another port")
    quit(second)


def test_a_broker_that_was_killed_is_back_by_the_command_that_the_session_names(session, learners_project):
    program = session("--broker", "docker")
    program.wait_for(READY)
    like(program, order=1)
    docker("kill", "kafka")
    (named, *_) = program.wait_for("consumer-1 .* Start it: docker (.*?)   [(]waiting for it")
    subprocess.run(["docker", *named[1].split()], cwd=learners_project, check=True, capture_output=True)
    program.wait_for("Kafka answers again", times=3)
    like(program, order=2)
    quit(program)
    assert containers() == set()


def test_three_brokers_lose_one_and_get_it_back(session):
    program = session("--brokers", "3", "--broker", "docker")
    program.wait_for(READY, seconds=240)
    like(program, order=1)
    program.type("kill kafka-1")
    program.wait_for("kafka-1 +killed")
    wait_until(lambda: "kafka-1" not in containers(), "the end of kafka-1")
    wait_until(lambda: partitions("kafka-0:29092", "--unavailable-partitions") == "", "other leaders")
    like(program, order=2)
    program.type("status")
    program.wait_for("kafka-1 +9094  not running")

    program.type("start kafka-1")
    program.wait_for("kafka-1 +is back")
    wait_until(lambda: partitions("kafka-1:29094", "--under-replicated-partitions") == "", "kafka-1 in sync")
    program.type("stop kafka-0")
    program.wait_for("kafka-0 +stopped")
    wait_until(lambda: partitions("kafka-1:29094", "--unavailable-partitions") == "", "other leaders")
    like(program, order=3)

    program.type("stop kafka-2")
    program.wait_for("kafka-2 +stopped")
    program.type("like")
    program.wait_for("did not confirm the like")
    quit(program)
    assert containers("--all") == set()
    assert nothing_is_left()


def test_the_name_of_a_container_that_is_taken_is_freed_by_the_hint(session, foreign):
    foreign("--name", "kafka")
    assert [container.name for container in of_others()] == ["kafka"]
    # As create_likes_topic.bat asks.
    named = ["ps", "--filter", "name=^/kafka$", "--format", "named {{.Names}}"]
    assert docker(*named) == "named kafka"
    assert docker(*named, "--filter", f"label={PROJECT_LABEL}=hands-on-kafka") == ""
    refused = session("--broker", "docker")
    assert refused.wait() == 1
    hint = refused.lines[-1]
    assert hint.startswith("  -> docker rename kafka kafka-old ")
    docker(*hint.split("   ")[0].split()[2:])
    started = session("--broker", "docker")
    started.wait_for(READY)
    quit(started)
    assert docker("inspect", "--format", "{{.State.Status}}", "kafka-old") == "running"


def test_without_the_port_of_kafdrop_everything_else_starts(session, foreign):
    foreign("--name", "portainer", "--publish", "127.0.0.1:9000:9000")
    program = session("--broker", "docker")
    program.wait_for(READY)
    assert "Kafdrop was not started: port 9000 is taken by the container portainer" in folded(program)
    assert "kafdrop     http" not in folded(program)
    like(program, order=1)
    quit(program)
    assert containers("--all") == set()
