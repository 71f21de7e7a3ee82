"""Brokers for the tests, each on free ports and with its data in the test's folder."""

import contextlib
from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import AdminClient

from brokers.cluster import LocalCluster
from brokers.compose import SINGLES
from brokers.local import LocalBroker
from brokers.ports import free_ports
from brokers.secured import SecuredBroker
from brokers.topic import PARTITIONS
from plumbing import topic
from plumbing.kafka import answers, client_config
from tests import versions
from tests.programs import wait_until

TOPIC = "likes"


def local_broker(folder, kafka: int | None = None) -> LocalBroker:
    """A separate local broker, on free ports, with its data in `folder`; of Kafka 3 or 4, by default the one that
    `--kafka` chooses."""
    return LocalBroker(folder, listeners(free_ports(3)), SINGLES[kafka or versions.chosen])


def local_cluster(folder, kafka: int | None = None) -> LocalCluster:
    """Three separate local brokers, like `local_broker`."""
    ports = free_ports(9)
    return LocalCluster(folder, [listeners(ports[first : first + 3]) for first in (0, 3, 6)], kafka or versions.chosen)


def secured_broker(folder, kafka: int | None = None) -> SecuredBroker:
    return SecuredBroker(folder, listeners(free_ports(3)), kafka or versions.chosen)


def listeners(ports: list[int]) -> dict[str, int]:
    return dict(zip(("EXTERNAL", "INTERNAL", "CONTROLLER"), ports, strict=True))


def with_topic(servers: str) -> str:
    create_topic(AdminClient(client_config(servers)))
    return servers


def create_topic(admin: AdminClient) -> None:
    """Create the topic `likes`, with the broker's number of replicas, unless it exists."""

    def exists() -> bool:
        if TOPIC in admin.list_topics(timeout=20).topics:
            return True
        with contextlib.suppress(KafkaException):
            topic.create(admin, TOPIC, PARTITIONS)
        return False  # the broker that was asked may not know it yet

    wait_until(exists, "the topic")


def delete(servers: str) -> None:
    """Delete the topic `likes`, if it is there. A broker that hung a moment ago may not answer at once."""
    admin = AdminClient(client_config(servers))

    def is_gone() -> bool:
        with contextlib.suppress(KafkaException):
            if TOPIC not in admin.list_topics(timeout=20).topics:
                return True
            admin.delete_topics([TOPIC])[TOPIC].result()
        return False

    wait_until(is_gone, "the end of the topic")


def recreate(servers: str, partitions: int = PARTITIONS) -> None:
    """Delete the topic `likes`, if it is there, and create it again."""
    delete(servers)

    def is_there() -> bool:
        with contextlib.suppress(KafkaException):
            # By a client of its own: one that knew the old topic may go by its leader epochs.
            topic.create(AdminClient(client_config(servers)), TOPIC, partitions)
            return True
        return False

    wait_until(is_there, "the topic again")


@contextlib.contextmanager
def container() -> Iterator[str]:
    """The compose file's image with the compose file's settings, on a port of its own (testcontainers)."""
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.container import DockerContainer

    testcontainers_config.ryuk_disabled = True  # it would pull another image to remove what ends here anyway
    port = free_ports(1)[0]
    service = SINGLES[versions.chosen]
    made = DockerContainer(service.image, hostname="kafka").with_bind_ports(port, port)
    for name, value in service.environment.items():
        # The port must be the same inside and outside: the broker refers clients to its advertised address.
        made.with_env(name, value.replace(":9092", f":{port}"))
    with made:
        servers = f"localhost:{port}"
        assert any(answers(servers, 5.0) for _ in range(24)), made.get_logs()
        yield servers


def joined(servers: str, group: str, own: dict | None = None, topic: str = TOPIC) -> Consumer:
    """A consumer that has joined the group, and has partitions."""
    consumer = Consumer(client_config(servers) | {"group.id": group} | (own or {}))
    consumer.subscribe([topic])
    wait_until(lambda: consumer.poll(0.2) or consumer.assignment(), "an assignment")
    return consumer
