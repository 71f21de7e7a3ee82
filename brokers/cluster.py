"""Three brokers that hold copies of each other's partitions: `docker-compose.cluster.yml`, with and without Docker.

A like that is confirmed (`acks=all`, `min.insync.replicas=2`) is on at least two brokers, so it survives the loss of
one.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from confluent_kafka import KafkaException

from brokers import Broker, NotAvailable, Progress, java
from brokers.compose import CLUSTER_FILE as COMPOSE_FILE
from brokers.compose import Service, renumber
from brokers.compose import cluster as services
from brokers.docker import DockerBroker
from brokers.jars import LESSONS
from brokers.local import LocalBroker, folder_of, shown
from plumbing import Problem
from plumbing.kafka import admin_client


class LocalNode(LocalBroker):
    """One of the three: a process that needs another one for a quorum."""

    def answers(self) -> bool:
        """True if the cluster has this broker back; an open port is not enough."""
        client = admin_client(self.bootstrap_servers, own={"reconnect.backoff.max.ms": 200})
        try:
            return self.port in [broker.port for broker in client.list_topics(timeout=1.0).brokers.values()]
        except KafkaException:
            return False


class LocalCluster(Broker):
    """Three Apache Kafka processes on the loopback interface; `nodes` can be stopped, killed and started.

    folder  has a folder for each; by default inside that of their version
    ports   listener name -> port, for each; by default those of the compose file
    """

    def __init__(self, folder: Path | None = None, ports: list[dict[str, int]] | None = None, kafka: int = LESSONS):
        folder = folder or folder_of(kafka) / "cluster"
        described = services(kafka)
        pairs = list(zip(described, ports or [service.ports for service in described], strict=True))
        renumbered = {old: new for service, own in pairs for old, new in renumber(service, own).items()}
        self.nodes = [LocalNode(folder / service.name, own, service, renumbered) for service, own in pairs]
        self.bootstrap_servers = ",".join(node.bootstrap_servers for node in self.nodes)
        self.how_to_start = f"start {', start '.join(node.name for node in self.nodes)}, in the terminal of run.py"
        self.description = f"three {self.nodes[0].title} (local, data in {shown(folder)})"

    def start(self, progress: Progress = print) -> None:
        java.environment(progress, self.nodes[0].service.kafka)  # once, not each
        try:
            self._each(lambda node: node.launch(progress))
            self._each(LocalNode.wait_until_it_answers)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        # All at once: stopped one by one, the last of them would wait for a quorum that no longer exists.
        self._each(LocalNode.stop)

    def _each(self, call: Callable[[LocalNode], None]) -> None:
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(call, self.nodes))


class DockerNode:
    """One of the three containers, with the interface of `LocalNode`."""

    def __init__(self, service: Service, project: DockerBroker):
        self.name = service.name
        self.port = service.ports["EXTERNAL"]
        self._project = project

    @property
    def running(self) -> bool:
        return self.name in self._project.running()

    def start(self, progress: Progress = print) -> None:
        progress("docker compose up")
        try:
            self._project.bring_up(self.name)
        except NotAvailable as reason:  # during a session, another kind of broker does not help
            raise Problem(str(reason), reason.remedy) from None

    def stop(self) -> None:
        self._project.carry_out("stop", self.name)

    def kill(self) -> None:
        self._project.carry_out("kill", self.name)


class DockerCluster(DockerBroker):
    """The compose project with three brokers."""

    title = "three Apache Kafka in Docker"
    file = COMPOSE_FILE.name
    without = "python run.py --brokers 3 --broker local"

    def __init__(self):
        super().__init__()
        self.nodes = [DockerNode(service, self) for service in services()]
        self.services = tuple(node.name for node in self.nodes)
        self.bootstrap_servers = ",".join(f"localhost:{node.port}" for node in self.nodes)
