"""The broker for the measurements, and topics of the bench on it."""

import contextlib
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient

from brokers.local import LocalBroker
from brokers.ports import free_ports
from plumbing.kafka import answers, client_config
from plumbing.topic import create
from settings import CHOSEN_BOOTSTRAP_SERVERS, DEFAULT_BOOTSTRAP_SERVERS


@dataclass(frozen=True)
class Bench:
    """What every subject gets: the broker, a folder for the contenders' lines, and how large to measure."""

    servers: str
    broker: str
    folder: Path
    quick: bool

    def sized(self, full, quick):
        return quick if self.quick else full

    @contextlib.contextmanager
    def topic(self, partitions: int = 3) -> Iterator[str]:
        """A new topic, deleted in the end."""
        name = f"bench-{uuid.uuid4().hex[:12]}"
        admin = AdminClient(client_config(self.servers))
        create(admin, name, partitions)
        try:
            yield name
        finally:
            with contextlib.suppress(KafkaException):
                admin.delete_topics([name])[name].result(30)

    def log(self) -> Path:
        """A file for the lines of a contender."""
        return self.folder / f"{uuid.uuid4().hex}.log"


def new_group() -> str:
    return f"bench-{uuid.uuid4().hex[:12]}"


@contextlib.contextmanager
def running_kafka(quick: bool) -> Iterator[Bench]:
    """The broker that `KAFKA_BOOTSTRAP_SERVERS` names, else the one on localhost:9092, else a local one on
    ports of its own, which keeps nothing."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if named := CHOSEN_BOOTSTRAP_SERVERS:
            yield Bench(named, "the broker of KAFKA_BOOTSTRAP_SERVERS", Path(folder), quick)
        elif answers(DEFAULT_BOOTSTRAP_SERVERS, 2.0):
            yield Bench(DEFAULT_BOOTSTRAP_SERVERS, "the broker on localhost:9092", Path(folder), quick)
        else:
            broker = local_broker(Path(folder) / "kafka")
            with broker as servers:
                yield Bench(servers, broker.description.split(",")[0] + ")", Path(folder), quick)


def local_broker(folder: Path) -> LocalBroker:
    """A local broker on free ports."""
    return LocalBroker(folder, dict(zip(("EXTERNAL", "INTERNAL", "CONTROLLER"), free_ports(3), strict=True)))


def fill(bench: Bench, topic: str, partitions: int, count: int) -> None:
    """Write likes 1 to `count` round robin, as producer.py would, only faster."""
    producer = Producer(client_config(bench.servers) | {"acks": "all", "linger.ms": 50})
    clicked_at, ts_ms = time.strftime("%Y-%m-%d %H:%M:%S"), int(time.time() * 1000)
    chunk = 10_000 * partitions
    for start in range(0, count, chunk):
        for partition in range(partitions):
            orders = range(start + 1 + partition, min(start + chunk, count) + 1, partitions)
            batch = [
                {"value": b'{"order": %d, "clicked_at": "%s", "ts_ms": %d}' % (order, clicked_at.encode(), ts_ms)}
                for order in orders
            ]
            while batch:
                producer.produce_batch(topic, batch, partition=partition)
                batch = [{"value": one["value"]} for one in batch if "_error" in one]  # the queue was full
                producer.poll(0.05 if batch else 0)
    if producer.flush(120):
        raise RuntimeError(f"{topic} could not be filled")
