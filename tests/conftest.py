"""Fixtures of all tests: a real Kafka, a simulated one, a `docker` that plays an engine, and the programs as
processes."""

import contextlib
import os
import signal
import uuid

import pytest
import requests

from brokers import docker
from brokers.ports import free_ports
from settings import CHOSEN_BOOTSTRAP_SERVERS
from tests import versions
from tests.brokers import container, local_broker, recreate, with_topic
from tests.fake_docker import FakeDocker
from tests.programs import Program, consumer, producer
from tests.simulated import SimulatedBroker

pytest_plugins = ["tests.scheduling"]


def pytest_configure(config):
    versions.chosen = config.getoption("--kafka")
    # A shell starts `command &` with Ctrl+C ignored, and the programs of the tests would inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_broker(tmp_path_factory):
    """The local broker of this process, with the topic `likes`. A test may stop it, and starts it again."""
    broker = local_broker(tmp_path_factory.mktemp("kafka"))
    with broker as servers:
        with_topic(servers)
        yield broker


@pytest.fixture(scope="module")
def new_likes(shared_broker):
    """Bootstrap servers of the shared broker, with an empty topic `likes`, before and after."""
    recreate(shared_broker.bootstrap_servers)
    yield shared_broker.bootstrap_servers
    recreate(shared_broker.bootstrap_servers)


@pytest.fixture(scope="session")
def kafka(request):
    """Bootstrap servers of a real Kafka with the topic `likes`: the one that KAFKA_BOOTSTRAP_SERVERS names,
    else the compose file's image where Docker runs, else the shared broker. Nothing in it is deleted."""
    if CHOSEN_BOOTSTRAP_SERVERS:
        yield with_topic(CHOSEN_BOOTSTRAP_SERVERS)
    elif not docker.engine_problem():
        with container() as servers:
            yield with_topic(servers)
    else:
        yield request.getfixturevalue("shared_broker").bootstrap_servers


@pytest.fixture(scope="session")
def all_cases(request) -> bool:
    """True with `python run.py test --all`."""
    return request.config.getoption("--all")


@pytest.fixture
def simulated():
    with SimulatedBroker() as broker:
        yield broker


@pytest.fixture
def engine(tmp_path, monkeypatch) -> FakeDocker:
    """A `docker` on the PATH that plays an engine."""
    if os.name == "nt":
        pytest.skip("this docker is a script with a #! line, which Windows does not start")
    engine = FakeDocker(tmp_path / "docker")
    monkeypatch.setenv("PATH", engine.path)
    return engine


@pytest.fixture
def group() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def start():
    """Start programs, which end with the test."""
    with contextlib.ExitStack() as ends:

        def start_program(program: Program) -> Program:
            ends.callback(program.kill)
            return program

        yield start_program


@pytest.fixture(scope="module")
def producers():
    """Those that `running_producer` has started."""
    programs: list[Program] = []
    yield programs
    for program in programs:
        program.kill()


@pytest.fixture
def running_producer(kafka, producers) -> Program:
    """The same for all tests of a file, unless one of them has ended it."""
    if not producers or not producers[-1].running:
        producers.append(producer(kafka))
    producers[-1].wait_until_it_answers()
    return producers[-1]


@pytest.fixture
def three_consumers(kafka, start, group) -> list[Program]:
    """Three members of a new group, each with the partition that the lessons promise."""
    members = [start(consumer(kafka, group, port)) for port in sorted(free_ports(3))]
    for number, member in enumerate(members):
        member.wait_for_status(lambda status, number=number: status["assignment"] == [number])
    return members


@pytest.fixture
def click(running_producer):
    """Click Like; returns the confirmed event."""

    def click_like(**body) -> dict:
        answer = requests.post(f"{running_producer.url}/like", json=body, timeout=20)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return click_like
