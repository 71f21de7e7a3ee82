"""What the programs, the page and the checks cost with many partitions, many members and many events."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

from confluent_kafka import Consumer

from bench import programs
from bench.cluster import Bench, fill, new_group
from bench.harness import Line, NotMeasured, Spread
from bench.subjects.page import looks
from plumbing.kafka import client_config
from plumbing.waiting import wait_until
from settings import ROOT

TITLE = "many partitions, members and events"
REBALANCE_SECONDS = 90.0
PARTITIONS_OF_MANY = 100
# As a check reads the topic: at most the last 50,000 records of each partition.
READ = "import sys; from labs.evidence import Evidence; print(len(Evidence().records(sys.argv[1])))"


def measure(bench: Bench) -> Iterator[Line]:
    for partitions in bench.sized((3, 30, 300, 1000), (3,)):
        yield from _partitions(bench, partitions)
    for members in bench.sized((3, 30, 100), (3,)):
        yield from _members(bench, members)
    for events in bench.sized((1_000, 100_000, 1_000_000), (1_000,)):
        yield from _events(bench, events)


def _partitions(bench: Bench, partitions: int) -> Iterator[Line]:
    """One producer, and one consumer that owns them all."""
    what = f"{partitions} partitions"
    with bench.topic(partitions) as topic:
        started = time.perf_counter()
        with programs.producer(bench.servers, topic, log=bench.log()) as producer:
            producer.wait_until_it_answers()
            producer.post("/like")
            yield _seconds(f"producer, start to first confirmed like, {what}", started)
            clicks = [_milliseconds(lambda: producer.post("/like")) for _ in range(bench.sized(200, 10))]
            yield Line("size", f"click, {what}", Spread.of(clicks), "ms", note=_memory(producer))
        fill(bench, topic, partitions, 10 * partitions)
        group, started = new_group(), time.perf_counter()
        with programs.consumer(bench.servers, topic, group, log=bench.log()) as consumer:
            consumer.wait_until_it_answers("/status")
            _wait_until(lambda: len(consumer.get("/status")["assignment"]) == partitions, "the assignment")
            yield _seconds(f"consumer, start to assignment, {what}", started)
            statuses = [_milliseconds(lambda: consumer.get("/status")) for _ in range(bench.sized(10, 2))]
            yield Line("size", f"/status of the consumer, {what}", Spread.of(statuses), "ms", note=_memory(consumer))
            yield Line("size", f"a look of the page, {what}", looks(bench, topic, group), "ms")


def _members(bench: Bench, members: int) -> Iterator[Line]:
    """Members that only join: what the group and the page pay for their number."""
    what = f"{members} members"
    with bench.topic(PARTITIONS_OF_MANY) as topic:
        group = new_group()
        own = {"group.id": group, "partition.assignment.strategy": "range", "heartbeat.interval.ms": 500}
        clients = [Consumer(client_config(bench.servers) | own) for _ in range(members)]
        try:
            started = time.perf_counter()
            for client in clients:
                client.subscribe([topic])
            _settle(clients)
            yield _seconds(f"group of {what}, from nobody to all assigned", started)
            yield Line("size", f"a look of the page, {what}", looks(bench, topic, group), "ms")
            started = time.perf_counter()
            clients.pop().close()
            _settle(clients)
            yield _seconds(f"group of {what}, one leaves, all assigned again", started)
        finally:
            for client in clients:
                client.close()


def _settle(clients: list[Consumer]) -> None:
    """Poll until every partition has an owner, and every member a partition."""

    def settled() -> bool:
        for client in clients:
            client.poll(0)
        shares = [client.assignment() for client in clients]
        owned = sorted(place.partition for share in shares for place in share)
        return all(shares) and owned == list(range(PARTITIONS_OF_MANY))

    _wait_until(settled, "an owner of each partition")


def _events(bench: Bench, events: int) -> Iterator[Line]:
    with bench.topic() as topic:
        fill(bench, topic, 3, events)
        started = time.perf_counter()
        environment = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": bench.servers}
        command = [sys.executable, "-c", READ, topic]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise NotMeasured(done.stderr)
        note = f"{int(done.stdout):,} read"
        yield Line("size", f"a check reads a topic of {events:,}", _spread_since(started), "s", note=note)


def _wait_until(true, what: str) -> None:
    if not wait_until(true, REBALANCE_SECONDS, pause=0.02):
        raise NotMeasured(f"{what}: not within {REBALANCE_SECONDS:.0f} s")


def _seconds(what: str, started: float) -> Line:
    return Line("size", what, _spread_since(started), "s")


def _spread_since(started: float) -> Spread:
    return Spread.of([time.perf_counter() - started])


def _milliseconds(call) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def _memory(program: programs.Program) -> str:
    return f"{program.megabytes():.0f} MB"
