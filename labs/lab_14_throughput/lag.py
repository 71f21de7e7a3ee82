"""Lab 14: likes arrive faster than one reader can process them. More readers are added until the lag falls.

    python run.py labs/lab_14_throughput/lag.py

100 likes a second go to four partitions, 25 to each. A reader handles 40 a second, waiting as if for a database. There
is one reader, then two, then four; when they have caught up, a fifth. It takes about 30 s.
"""

import threading
import time

from confluent_kafka import Consumer, Producer, TopicPartition

from labs.topics import make_topic, named
from plumbing import Problem
from plumbing.kafka import client_config
from plumbing.waiting import wait_until

TOPIC = GROUP = named("lag")
PARTITIONS = 4
LIKES_PER_SECOND = 100
AT_ONCE, WORK_SECONDS = 4, 0.1  # a reader takes up to 4 likes, and processes them in 0.1 s
PHASES = ((1, 6.0), (2, 6.0), (4, None), (5, 4.0))  # readers, minimum seconds; None: until they have caught up
GROWN = 100  # by this many likes
CAUGHT_UP = 40  # with a smaller lag than this
PATIENCE_SECONDS = 60.0
SETTLE_SECONDS = 40.0


class Writer(threading.Thread):
    """Writes the likes at a fixed rate, round robin."""

    def __init__(self, ended: threading.Event):
        super().__init__(name="writer")
        self.ended = ended
        self.producer = Producer(client_config() | {"linger.ms": 5})

    def run(self) -> None:
        written, began = 0, time.monotonic()
        while not self.ended.wait(0.05):
            while written < (time.monotonic() - began) * LIKES_PER_SECOND:
                self.producer.produce(TOPIC, f"like {written}", partition=written % PARTITIONS)
                written += 1
            self.producer.poll(0)
        self.producer.flush(SETTLE_SECONDS)


class Reader(threading.Thread):
    """A member of the group. `owned` is None until it is told its partitions, and during a rebalance."""

    def __init__(self, number: int, ended: threading.Event):
        super().__init__(name=f"reader-{number}")
        self.ended = ended
        self.owned: list[int] | None = None
        own = {
            "group.id": GROUP,
            "client.id": self.name,
            "partition.assignment.strategy": "range",
            "auto.offset.reset": "earliest",
            "auto.commit.interval.ms": 500,  # the lag is the end minus the committed offset
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 300,  # a member learns from a heartbeat that another one joined
        }
        self.consumer = Consumer(client_config() | own)

    def on_assign(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.owned = sorted(p.partition for p in partitions)

    def on_revoke(self, _consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        self.owned = None

    def run(self) -> None:
        self.consumer.subscribe([TOPIC], on_assign=self.on_assign, on_revoke=self.on_revoke, on_lost=self.on_revoke)
        try:
            while not self.ended.is_set():
                until = time.monotonic() + WORK_SECONDS
                self.consumer.consume(AT_ONCE, WORK_SECONDS)
                self.ended.wait(max(0.0, until - time.monotonic()))  # the work
        finally:
            self.consumer.close()


class Group:
    """The readers, and a client that asks for their lag."""

    def __init__(self, ended: threading.Event):
        self.ended, self.readers = ended, []
        self.onlooker = Consumer(client_config() | {"group.id": GROUP, "enable.auto.commit": False})

    def grow(self, count: int) -> None:
        """Add readers up to `count`; returns when each knows its partitions."""
        while len(self.readers) < count:
            self.readers.append(Reader(len(self.readers) + 1, self.ended))
            self.readers[-1].start()
        if not wait_until(lambda: self.owned() == set(range(PARTITIONS)), SETTLE_SECONDS):
            hint = "end the other program that reads in this group, then: python run.py labs reset 14"
            raise Problem(f"the {count} readers of {GROUP} do not get the {PARTITIONS} partitions", hint)

    def owned(self) -> set[int] | None:
        """The partitions that have an owner; None during a rebalance."""
        owned = [reader.owned for reader in self.readers]
        return None if None in owned else {partition for mine in owned for partition in mine}

    def lags(self) -> list[int]:
        """Likes written but not yet committed, in each partition. Raises KafkaException."""
        lags = []
        for p in self.onlooker.committed([TopicPartition(TOPIC, n) for n in range(PARTITIONS)], SETTLE_SECONDS):
            low, high = self.onlooker.get_watermark_offsets(p, SETTLE_SECONDS)
            lags.append(high - max(p.offset, low))
        return lags

    def shares(self) -> str:
        return ", ".join(f"{reader.name} {reader.owned}" for reader in self.readers)


def observe(group: Group, seconds: float | None, since: float) -> None:
    """Print the lag every two seconds, for at least this long and, with too few readers, until it has grown. With None,
    until the readers have caught up."""
    began, too_few = time.monotonic(), len(group.readers) < PARTITIONS
    lag = first = sum(group.lags())

    def is_over() -> bool:
        passed = time.monotonic() - began
        if passed > PATIENCE_SECONDS:
            return True
        if seconds is None:
            return lag < CAUGHT_UP
        return passed >= seconds and not (too_few and lag < first + GROWN)

    while not is_over():
        time.sleep(2.0)
        lags = group.lags()
        lag = sum(lags)
        print(f"{time.monotonic() - since:5.1f} s  lag {lag:>5}   by partition {lags}", flush=True)
    trend = "grows" if lag > first + CAUGHT_UP else "falls" if lag < first - CAUGHT_UP else "stays"
    print(f"with {len(group.readers)} of them, the lag {trend}: {first} -> {lag}", flush=True)


def main() -> None:
    make_topic(TOPIC, PARTITIONS)
    ended = threading.Event()
    group, writer = Group(ended), Writer(ended)
    try:
        for readers, seconds in PHASES:
            group.grow(readers)
            if readers == 1:
                since = time.monotonic()
                writer.start()
            print(f"{time.monotonic() - since:5.1f} s  {group.shares()}", flush=True)
            observe(group, seconds, since)
    finally:
        ended.set()
        for thread in (*group.readers, writer):
            if thread.ident:  # it was started
                thread.join()
        group.onlooker.close()


if __name__ == "__main__":
    main()
