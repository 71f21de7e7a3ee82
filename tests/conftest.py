"""What all tests share: a real Kafka, a simulated one, and programs as processes."""

import contextlib
import os
import uuid

import pytest
import requests
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from brokers import docker
from brokers.cluster import LocalCluster
from brokers.local import SINGLE, LocalBroker
from brokers.ports import free_ports
from brokers.secured import SecuredBroker
from brokers.simulated import SimulatedBroker
from plumbing.kafka import answers, client_config
from tests.programs import Program, consumer, producer, wait_until

TOPIC, PARTITIONS = "likes", 3


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="tests/reliability for an hour: all faults, many events")


LONG_TEST_SECONDS = 1800  # until one of them hangs
USE_THE_USUAL_PORTS = ("tests/end_to_end/", "tests/labs/", "tests/windows/")
SHARE_A_BROKER = ("tests/kafka/", "tests/reliability/")


@pytest.hookimpl(optionalhook=True)  # without pytest-xdist all run one after the other
def pytest_xdist_make_scheduler(config, log):
    """What shares something runs in the same process. (With pytest 9.2 the marks for that, xdist_group, do nothing.)"""
    from xdist.scheduler import LoadScopeScheduling

    class ByWhatIsShared(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            shared = [group for group in (USE_THE_USUAL_PORTS, SHARE_A_BROKER) if nodeid.startswith(group)]
            return shared[0][0] if shared else nodeid

    return ByWhatIsShared(config, log)


def pytest_collection_modifyitems(config, items):
    for item in items:
        if config.getoption("--long"):
            item.add_marker(pytest.mark.timeout(LONG_TEST_SECONDS))
        elif item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="it takes long: --long runs it"))


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    """Bootstrap servers of a real Kafka with the topic `likes`: the one that KAFKA_BOOTSTRAP_SERVERS names,
    else the compose file's image where Docker runs, else the local broker. Nothing in it is deleted."""
    if servers := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield with_topic(servers)
    elif not docker.engine_problem():
        with container() as servers:
            yield with_topic(servers)
    else:
        with local_broker(tmp_path_factory.mktemp("kafka")) as servers:
            yield with_topic(servers)


def local_broker(folder) -> LocalBroker:
    """A local broker of its own, on free ports, with its data in `folder`."""
    return LocalBroker(folder, listeners(free_ports(3)))


def local_cluster(folder) -> LocalCluster:
    """Three local brokers of their own, as `local_broker`."""
    ports = free_ports(9)
    return LocalCluster(folder, [listeners(ports[first : first + 3]) for first in (0, 3, 6)])


def secured_broker(folder) -> SecuredBroker:
    return SecuredBroker(folder, listeners(free_ports(3)))


def listeners(ports: list[int]) -> dict[str, int]:
    return dict(zip(("EXTERNAL", "INTERNAL", "CONTROLLER"), ports, strict=True))


def with_topic(servers: str) -> str:
    create_topic(AdminClient(client_config(servers)))
    return servers


def create_topic(admin: AdminClient) -> None:
    """The topic `likes`, with as many replicas as the broker says, unless it is there."""

    def there() -> bool:
        if TOPIC in admin.list_topics(timeout=20).topics:
            return True
        with contextlib.suppress(KafkaException):  # created, and the broker that is asked has not heard of it
            admin.create_topics([NewTopic(TOPIC, PARTITIONS)])[TOPIC].result()
        return False

    wait_until(there, "the topic")


class container:
    """The compose file's image with the compose file's settings, on a port of its own (testcontainers)."""

    def __enter__(self) -> str:
        from testcontainers.core.container import DockerContainer

        port = free_ports(1)[0]
        self.container = DockerContainer(SINGLE.image, hostname="kafka").with_bind_ports(port, port)
        for name, value in SINGLE.environment.items():
            # Inside and outside it has to be the same port: the broker sends clients to where it is advertised.
            self.container.with_env(name, value.replace(":9092", f":{port}"))
        self.container.start()
        servers = f"localhost:{port}"
        try:
            assert any(answers(servers, 5.0) for _ in range(24)), self.container.get_logs()
        except BaseException:
            self.container.stop()
            raise
        return servers

    def __exit__(self, *_exception) -> None:
        self.container.stop()


@pytest.fixture
def simulated():
    broker = SimulatedBroker()
    with broker:
        yield broker


@pytest.fixture
def group() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def start():
    """Start programs; they are ended with the test."""
    programs: list[Program] = []

    def start_program(program: Program) -> Program:
        programs.append(program)
        return program

    yield start_program
    for program in programs:
        program.kill()


@pytest.fixture
def running_producer(kafka, start) -> Program:
    program = start(producer(kafka))
    program.wait_until_it_answers()
    return program


@pytest.fixture
def three_consumers(kafka, start, group) -> list[Program]:
    """The three members of a new group, each with the partition that the lessons promise."""
    members = [start(consumer(kafka, group, port)) for port in sorted(free_ports(3))]
    for number, member in enumerate(members):
        member.wait_for_status(lambda status, number=number: status["assignment"] == [number])
    return members


@pytest.fixture
def click(running_producer):
    """Click Like; gives the confirmed event."""

    def click_like(**body) -> dict:
        answer = requests.post(f"{running_producer.url}/like", json=body, timeout=20)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return click_like
