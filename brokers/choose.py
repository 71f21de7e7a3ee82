"""Which broker `python run.py` takes."""

import itertools
from collections.abc import Callable

from brokers import Broker, NotAvailable, Progress, containers
from brokers.cluster import DockerCluster, LocalCluster
from brokers.compose import SINGLES
from brokers.containers import Container
from brokers.docker import DockerBroker, DockerBrokerOf4, engine_problem
from brokers.jars import CURRENT, LESSONS
from brokers.local import LocalBroker
from brokers.ports import port_holder
from brokers.secured import SecuredBroker
from plumbing import Problem
from plumbing.kafka import Misdirected, answers, broker_problem, security_protocol
from plumbing.waiting import wait_until
from settings import CHOSEN_BOOTSTRAP_SERVERS, DEFAULT_BOOTSTRAP_SERVERS

KINDS: dict[str, Callable[[int], Broker]] = {
    "docker": lambda kafka: DockerBroker() if kafka == LESSONS else DockerBrokerOf4(),
    "local": lambda kafka: LocalBroker(service=SINGLES[kafka]),
    "secured": lambda kafka: SecuredBroker(kafka=kafka),
}
CLUSTERS = {"docker": DockerCluster, "local": LocalCluster}
PROJECT_OF_4 = containers.PROJECTS[DockerBrokerOf4.file]
CONTAINER_SECONDS = 120.0  # for a container that is starting; Kafka's takes about 15 s


class ExistingBroker(Broker):
    """A broker that was already running, and keeps running."""

    def __init__(self, bootstrap_servers: str):
        self.bootstrap_servers = bootstrap_servers
        self.description = "Kafka that was already running; it keeps running after quit"

    def start(self, progress: Progress = print) -> None:
        if problem := broker_problem(self.bootstrap_servers, 10.0):
            if isinstance(problem, Misdirected):
                raise problem
            hint = "start it, or check KAFKA_BOOTSTRAP_SERVERS and KAFKA_CLIENT_CONFIG, then: python run.py"
            raise Problem(str(problem), hint)

    def stop(self) -> None:
        pass


def candidates(kind: str = "", announce: Callable[[str], None] = print, kafka: int = LESSONS) -> list[Broker]:
    """The brokers to try, in order: the one of this `kind`, or else the one that is configured or running, Docker's,
    the local one. `announce` is called with the reason if Docker's is left out. For Kafka 4, a configured or running
    broker is not used. Raises `Problem`."""
    if kind:
        return [KINDS[kind](kafka)]
    if kafka == CURRENT:
        _refuse_another_broker()
    elif CHOSEN_BOOTSTRAP_SERVERS:
        return [ExistingBroker(CHOSEN_BOOTSTRAP_SERVERS)]
    elif holder := port_holder(9092):
        if answers(DEFAULT_BOOTSTRAP_SERVERS, 5.0) or _has_started(holder.container, announce):
            return [ExistingBroker(DEFAULT_BOOTSTRAP_SERVERS)]
        raise Problem(
            f"port 9092 is taken by {holder}, which does not answer as a Kafka broker",
            f"end it ({holder.how_to_end}), or name another broker with KAFKA_BOOTSTRAP_SERVERS",
        )
    if problem := engine_problem():
        announce(f"{problem}: using the local broker, which does not need Docker")
        return [KINDS["local"](kafka)]
    return [KINDS["docker"](kafka), KINDS["local"](kafka)]


def _refuse_another_broker() -> None:
    """Raises `Problem` if there is already a broker other than the Kafka 4 container."""
    if CHOSEN_BOOTSTRAP_SERVERS:
        raise Problem(
            f"KAFKA_BOOTSTRAP_SERVERS names a broker already: {CHOSEN_BOOTSTRAP_SERVERS}",
            "unset it to start Kafka 4, or leave --kafka 4 out",
        )
    if (holder := port_holder(9092)) and not (holder.container and holder.container.project == PROJECT_OF_4):
        raise Problem(
            f"port 9092 is taken by {holder}, and Kafka 4 needs it",
            f"end it ({holder.how_to_end}), then: python run.py --kafka 4",
        )


def _refuse_settings_for_another_broker(broker: Broker) -> None:
    """Raises `Problem` if clients with the user's settings could not reach the broker to be started. Only the secured
    one has TLS and passwords, and it brings its own settings."""
    if isinstance(broker, ExistingBroker) or broker.client_properties:
        return
    if (protocol := security_protocol()) != "PLAINTEXT":
        raise Problem(
            f"KAFKA_CLIENT_CONFIG asks for {protocol}, which the broker that run.py starts does not offer",
            "unset it, or name the broker that it is for with KAFKA_BOOTSTRAP_SERVERS",
        )


def _has_started(container: Container | None, announce: Callable[[str], None]) -> bool:
    """True once a container that was just started answers as a broker."""
    if not container or not container.is_starting:
        return False
    announce(f"{container} is starting: waiting for it")

    def outcome() -> str:
        if answers(DEFAULT_BOOTSTRAP_SERVERS, 2.0):
            return "answers"
        starting = containers.publishing(9092)
        return "" if starting and starting.is_starting else "has started, or ended"

    found = wait_until(outcome, CONTAINER_SECONDS, pause=0)
    return found == "answers" or answers(DEFAULT_BOOTSTRAP_SERVERS, 2.0)


def cluster_candidates(kind: str = "", announce: Callable[[str], None] = print, kafka: int = LESSONS) -> list[Broker]:
    """As `candidates`, for three brokers."""
    if CHOSEN_BOOTSTRAP_SERVERS:
        raise Problem(
            f"KAFKA_BOOTSTRAP_SERVERS names a cluster already: {CHOSEN_BOOTSTRAP_SERVERS}",
            "unset it to start three brokers, or leave --brokers 3 out",
        )
    if kind and kind not in CLUSTERS:
        raise Problem(f"there is only one {kind} broker", "python run.py --brokers 3")
    if kafka == CURRENT:
        if kind == "docker":
            raise Problem("three brokers of Kafka 4 run without Docker only", "python run.py --kafka 4 --brokers 3")
        return [LocalCluster(kafka=kafka)]
    if kind:
        return [CLUSTERS[kind]()]
    if problem := engine_problem():
        announce(f"{problem}: using local brokers, which need none")
        return [LocalCluster()]
    return [DockerCluster(), LocalCluster()]


def start_first(
    candidates: list[Broker], progress: Progress, pass_over: Callable[[NotAvailable, Broker], None]
) -> Broker:
    """The first broker that starts. If a kind is not available, `pass_over(reason, next)` is called and the next one
    tried; what would also affect that one, such as a port that is taken, raises `Problem`."""
    for broker, following in itertools.zip_longest(candidates, candidates[1:]):
        _refuse_settings_for_another_broker(broker)
        try:
            broker.start(progress)
            return broker
        except NotAvailable as reason:
            if following is None:
                raise
            pass_over(reason, following)
    raise AssertionError("there is always a candidate")
