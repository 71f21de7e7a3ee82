"""Which broker `python run.py` takes."""

import itertools
import time
from collections.abc import Callable

from brokers import Broker, NotAvailable, Progress, containers
from brokers.cluster import DockerCluster, LocalCluster
from brokers.containers import Container
from brokers.docker import DockerBroker, engine_problem
from brokers.local import LocalBroker
from brokers.ports import port_holder
from brokers.secured import SecuredBroker
from plumbing import Problem
from plumbing.kafka import Misdirected, answers, broker_problem
from settings import CHOSEN_BOOTSTRAP_SERVERS, DEFAULT_BOOTSTRAP_SERVERS

KINDS = {"docker": DockerBroker, "local": LocalBroker, "secured": SecuredBroker}
CLUSTERS = {"docker": DockerCluster, "local": LocalCluster}
CONTAINER_SECONDS = 120.0  # for a container that is starting; Kafka's takes about 15 s


class ExistingBroker(Broker):
    """A broker that was already running, and keeps running after us."""

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


def candidates(kind: str = "", announce: Callable[[str], None] = print) -> list[Broker]:
    """The brokers to try, in this order: the one of that `kind`, or without one, the one that is configured or running,
    Docker's, the local one. `announce` is called with the reason if Docker's is left out. Raises `Problem`."""
    if kind:
        return [KINDS[kind]()]
    if CHOSEN_BOOTSTRAP_SERVERS:
        return [ExistingBroker(CHOSEN_BOOTSTRAP_SERVERS)]
    if holder := port_holder(9092):
        if answers(DEFAULT_BOOTSTRAP_SERVERS, 5.0) or _has_started(holder.container, announce):
            return [ExistingBroker(DEFAULT_BOOTSTRAP_SERVERS)]
        raise Problem(
            f"port 9092 is taken by {holder}, which does not answer as a Kafka broker",
            f"end it ({holder.how_to_end}), or name another broker with KAFKA_BOOTSTRAP_SERVERS",
        )
    if problem := engine_problem():
        announce(f"{problem}: using the local broker, which needs none")
        return [LocalBroker()]
    return [DockerBroker(), LocalBroker()]


def _has_started(container: Container | None, announce: Callable[[str], None]) -> bool:
    """Whether there is a container that has just been started, and soon answers as a broker."""
    if not container or not container.is_starting:
        return False
    announce(f"{container} is starting: waiting for it")
    deadline = time.monotonic() + CONTAINER_SECONDS
    while container and container.is_starting and time.monotonic() < deadline:
        if answers(DEFAULT_BOOTSTRAP_SERVERS, 2.0):
            return True
        container = containers.publishing(9092)
    return answers(DEFAULT_BOOTSTRAP_SERVERS, 2.0)


def cluster_candidates(kind: str = "", announce: Callable[[str], None] = print) -> list[Broker]:
    """As `candidates`, for three brokers."""
    if CHOSEN_BOOTSTRAP_SERVERS:
        raise Problem(
            f"KAFKA_BOOTSTRAP_SERVERS names a cluster already: {CHOSEN_BOOTSTRAP_SERVERS}",
            "unset it to start three brokers, or leave --brokers 3 out",
        )
    if kind:
        if kind not in CLUSTERS:
            raise Problem(f"there is only one {kind} broker", "python run.py --brokers 3")
        return [CLUSTERS[kind]()]
    if problem := engine_problem():
        announce(f"{problem}: using local brokers, which need none")
        return [LocalCluster()]
    return [DockerCluster(), LocalCluster()]


def start_first(candidates: list[Broker], progress: Progress, pass_over: Callable[[Problem, Broker], None]) -> Broker:
    """The first of them that could be started. A kind of broker that is not available leads to the next one, after
    `pass_over(reason, next)`; what would hit that one too, such as a port that is taken, is raised as a `Problem`."""
    for broker, following in itertools.zip_longest(candidates, candidates[1:]):
        try:
            broker.start(progress)
            return broker
        except NotAvailable as reason:
            if following is None:
                raise
            pass_over(reason, following)
    raise AssertionError("there is always a candidate")
