"""A steady flow of events, and how long nobody read them, for the labs that compare rebalances."""

import contextlib
import threading
from collections.abc import Iterator
from itertools import pairwise

from confluent_kafka import Producer

from plumbing.kafka import client_config

EVENTS_PER_SECOND = 50  # per partition


@contextlib.contextmanager
def flowing(topic: str, partitions: int) -> Iterator[None]:
    """While the block runs, a thread writes events to all partitions."""
    stop = threading.Event()
    writer = threading.Thread(target=_write, args=[topic, partitions, stop])
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join()


def _write(topic: str, partitions: int, stop: threading.Event) -> None:
    producer = Producer(client_config() | {"linger.ms": 0})
    while not stop.wait(1 / EVENTS_PER_SECOND):
        for partition in range(partitions):
            producer.produce(topic, b"x", partition=partition)
        producer.poll(0)
    producer.flush(10)


def longest_pause(times: list[float], since: float, until: float) -> float:
    """The most seconds without a read in this period."""
    return max(b - a for a, b in pairwise([since, *(at for at in times if since < at < until), until]))
