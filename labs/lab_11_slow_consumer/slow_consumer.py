"""Lab 11: one of two consumers works longer between two polls than `max.poll.interval.ms` allows.

    python run.py labs/lab_11_slow_consumer/slow_consumer.py                works, and polls again when it has finished
    python run.py labs/lab_11_slow_consumer/slow_consumer.py --both-slow    so does the other one
    python run.py labs/lab_11_slow_consumer/slow_consumer.py --pause        pauses its partitions, and keeps polling

Two consumers share a topic with two partitions. `slow` needs 13 s per event, `quick` 0.1 s. For each event they
process, they write one to the topic `labs-slow-done`, which shows who did what. Each way has its own topics.
"""

import argparse
import threading
import time

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from labs.topics import OTHER_READER, make_topic, named
from plumbing import Problem
from plumbing.kafka import client_config
from plumbing.waiting import wait_until

SESSION_TIMEOUT_MS = 6000  # a member that sends no heartbeat for this long is removed
MAX_POLL_INTERVAL_MS = 8000  # a member that does not poll for this long leaves the group; default: 5 minutes
WORK_SECONDS = {"quick": 0.1, "slow": 13.0}  # per event
BOTH_SLOW_SECONDS = 40.0  # how long to watch that
PARTITIONS = 2
EVENTS = 2  # per partition and run
SETTLE_SECONDS = 40.0
RUN_SECONDS = 60.0


class Run:
    """What the two members and the main thread of a run share."""

    def __init__(self, topic: str, both_slow: bool):
        self.topic = topic  # the group has the same name
        self.work_seconds = dict.fromkeys(WORK_SECONDS, WORK_SECONDS["slow"]) if both_slow else WORK_SECONDS
        self.processed = self.committed = 0
        self.results = Producer(client_config() | {"linger.ms": 0})
        self.stopping = threading.Event()
        self.uncommitted: set[tuple[int, int]] = set()  # (partition, offset)
        self.written_at: float | None = None

    def say(self, name: str, what: str) -> None:
        """Print with the seconds since the events were written."""
        seconds = time.monotonic() - self.written_at if self.written_at else 0.0
        line = f"{seconds:5.1f} s  {name:<5}  {what}\n"
        print(line, end="", flush=True)  # with the line end: another thread could print in between


class Member(threading.Thread):
    """One consumer of the group, in a thread of its own."""

    def __init__(self, name: str, run: Run, pausing: bool):
        super().__init__(name=name)
        self.shared, self.pausing = run, pausing
        self.owned: list[int] = []
        self.working = False
        own = {
            "group.id": run.topic,
            "client.id": name,
            "partition.assignment.strategy": "range",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": SESSION_TIMEOUT_MS,
            "heartbeat.interval.ms": 500,
            "max.poll.interval.ms": MAX_POLL_INTERVAL_MS,
        }
        self.consumer = Consumer(client_config() | own)

    def say(self, what: str) -> None:
        self.shared.say(self.name, what)

    def on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.owned = sorted(p.partition for p in partitions)
        self.say(f"assigned {self.owned}")
        consumer.assign(partitions)
        if self.working:
            consumer.pause(partitions)  # newly assigned partitions are not paused automatically

    def on_revoke(self, _consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        self.owned = []

    def on_lost(self, _consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        self.owned = []
        self.say("has lost its partitions")

    def run(self) -> None:
        self.consumer.subscribe(
            [self.shared.topic], on_assign=self.on_assign, on_revoke=self.on_revoke, on_lost=self.on_lost
        )
        try:
            while not self.shared.stopping.is_set():
                message = self.consumer.poll(0.2)
                if message is None:
                    continue
                if message.error():
                    self.say(f"poll: {message.error().str()}")
                else:
                    self.process(message)
        finally:
            self.consumer.close()  # leaves the group

    def process(self, message: Message) -> None:
        position = f"partition {message.partition()}, offset {message.offset()}"
        self.say(f"reads {position}")
        read_at = time.monotonic()
        self.work()
        if self.shared.stopping.is_set():
            return  # not processed, so not committed
        self.shared.results.produce(f"{self.shared.topic}-done", value=position, key=self.name)
        self.shared.results.flush()
        self.shared.processed += 1
        label = f"by {self.name} after {time.monotonic() - read_at:.0f} s"  # metadata of the commit: for the check
        following = TopicPartition(self.shared.topic, message.partition(), message.offset() + 1, label)
        try:
            self.consumer.commit(offsets=[following], asynchronous=False)
        except KafkaException as error:
            self.owned = []
            self.say(f"has processed {position}; its commit is refused: {error.args[0].name()}")
        else:
            self.shared.committed += 1
            self.shared.uncommitted.discard((message.partition(), message.offset()))
            self.say(f"has processed {position}, and commits")

    def work(self) -> None:
        """Wait, as for a slow database."""
        self.working = True
        if self.pausing:
            self.consumer.pause(self.consumer.assignment())
            worker = threading.Thread(target=self.shared.stopping.wait, args=[self.shared.work_seconds[self.name]])
            worker.start()
            while worker.is_alive():
                self.consumer.poll(0.1)  # returns no event: all its partitions are paused
            self.consumer.resume(self.consumer.assignment())
        else:
            self.shared.stopping.wait(self.shared.work_seconds[self.name])
        self.working = False


def write_events(run: Run) -> None:
    """Write events to both partitions; partition and offset identify them."""

    def delivered(error, message: Message) -> None:
        if error is None:
            run.uncommitted.add((message.partition(), message.offset()))

    producer = Producer(client_config())
    for _ in range(EVENTS):
        for partition in range(PARTITIONS):
            producer.produce(run.topic, b"work", partition=partition, on_delivery=delivered)
    producer.flush(SETTLE_SECONDS)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python run.py labs/lab_11_slow_consumer/slow_consumer.py")
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--pause", action="store_true")
    ways.add_argument("--both-slow", action="store_true")
    options = parser.parse_args()
    topic = named("paused") if options.pause else named("both") if options.both_slow else named("slow")
    make_topic(topic, PARTITIONS)
    make_topic(f"{topic}-done", 1)
    run = Run(topic, options.both_slow)
    members = [Member(name, run, options.pause) for name in WORK_SECONDS]

    def both_own_a_partition() -> bool:
        return all(len(member.owned) == 1 for member in members)

    def all_is_done() -> bool:
        return not run.uncommitted and not any(member.working for member in members) and both_own_a_partition()

    try:
        for member in members:
            member.start()
        if not wait_until(both_own_a_partition, SETTLE_SECONDS):
            raise Problem(f"the two members of {topic} do not get a partition each", OTHER_READER)
        run.written_at = time.monotonic()
        write_events(run)
        if options.both_slow:
            time.sleep(BOTH_SLOW_SECONDS)
            print(f"after {BOTH_SLOW_SECONDS:.0f} s: {run.processed} times processed, {run.committed} commits accepted")
            return
        if not wait_until(all_is_done, RUN_SECONDS):
            left = ", ".join(f"partition {p}, offset {o}" for p, o in sorted(run.uncommitted)) or "some of them"
            hint = "let one member work for less than max.poll.interval.ms per event, or use --pause"
            raise Problem(f"after {RUN_SECONDS:.0f} s, the events of {topic} have no commit by a member: {left}", hint)
    finally:
        run.stopping.set()
        for member in members:
            if member.ident:  # it was started
                member.join()


if __name__ == "__main__":
    main()
