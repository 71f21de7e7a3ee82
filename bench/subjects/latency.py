"""From the click to the consumer's line, one click at a time."""

import threading
from collections.abc import Iterator
from time import perf_counter

import requests
from confluent_kafka import Consumer, Producer, TopicPartition

from bench import programs
from bench.cluster import Bench, new_group
from bench.harness import Line, Spread, interleaved, percentile
from brokers.ports import free_ports
from plumbing.kafka import client_config

TITLE = "click to log line"


def measure(bench: Bench) -> Iterator[Line]:
    clicks, rounds = bench.sized((60, 5), (10, 1))
    group = new_group()
    with (
        bench.topic() as topic,
        bench.topic() as raw_topic,
        programs.producer(bench.servers, topic, log=bench.log()) as producer,
        _Members(bench, topic, group) as members,
        _RawClients(bench.servers, raw_topic) as raw,
    ):
        producer.wait_until_it_answers()
        with requests.Session() as session:

            def click() -> float:
                started = perf_counter()
                answer = session.post(f"http://127.0.0.1:{producer.port}/like", timeout=30).json()
                member = members[answer["partition"]]
                read, _ = member.wait_for(rf"Consumed: order={answer['order']} ", since=started)
                return (read - started) * 1000

            for _ in range(9):  # connections, caches
                click()
                raw.round_trip()
            ways = {
                "ours": lambda: [click() for _ in range(clicks)],
                "raw": lambda: [raw.round_trip() for _ in range(clicks)],
            }
            took = interleaved(ways, rounds)
    for percent in (50, 99):
        ours, theirs = ([percentile(one, percent) for one in took[name]] for name in ("ours", "raw"))
        more = Spread.of([our - their for our, their in zip(ours, theirs, strict=True)])
        target = {"target": "at most 3 ms more", "met": more.median <= 3} if percent == 50 else {}
        peer = "two raw clients"
        yield Line("latency", f"p{percent}", Spread.of(ours), "ms", peer, Spread.of(theirs), **target)


class _Members(list):
    """Three consumers, each with its partition; the list has them in the order of their partitions."""

    def __init__(self, bench: Bench, topic: str, group: str):
        super().__init__(programs.consumer(bench.servers, topic, group, port) for port in sorted(free_ports(3)))

    def __enter__(self) -> "_Members":
        for number, member in enumerate(self):
            member.wait_for(rf"Assigned: partitions=\[{number}\]$")
        return self

    def __exit__(self, *_exception) -> None:
        for member in self:
            member.stop()


class _RawClients:
    """A producer and a consumer of confluent-kafka with nothing around them."""

    def __init__(self, servers: str, topic: str):
        self.topic, self.partition, self.sent = topic, 0, 0
        self.producer = Producer(client_config(servers) | {"acks": "all", "enable.idempotence": True, "linger.ms": 0})
        self.consumer = Consumer(client_config(servers) | {"group.id": "bench", "enable.auto.commit": False})
        self.consumer.assign([TopicPartition(topic, partition, 0) for partition in range(3)])
        self.read_at, self.read, self.closing = 0.0, threading.Semaphore(0), False
        self.reader = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self.closing:
            message = self.consumer.poll(0.2)
            if message is not None and not message.error():
                self.read_at = perf_counter()
                self.read.release()

    def round_trip(self) -> float:
        """Milliseconds from produce to the return of poll."""
        started = perf_counter()
        self.producer.produce(self.topic, b'{"order": 1}', partition=self.sent % 3)
        self.sent += 1
        self.producer.poll(0)
        self.read.acquire()
        return (self.read_at - started) * 1000

    def __enter__(self) -> "_RawClients":
        self.reader.start()
        return self

    def __exit__(self, *_exception) -> None:
        self.closing = True
        self.reader.join()
        self.producer.flush(5)
        self.consumer.close()
