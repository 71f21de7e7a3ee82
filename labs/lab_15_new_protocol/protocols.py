"""Lab 15: a third consumer joins a group of two, with the classic protocol and with the new one (KIP-848, Kafka 4).

    python run.py labs/lab_15_new_protocol/protocols.py

Six partitions have a steady flow of events, and consumer-2 is slow: it takes 3 s to finish its work before it gives up
partitions. When does the third consumer get its first partition, and how long does each partition have no reader?
"""

import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException

from labs import kafka4
from labs.flow import flowing, longest_pause
from labs.topics import OTHER_READER, make_topic, named
from plumbing import Problem
from plumbing.kafka import client_config
from plumbing.waiting import wait_until

TOPIC = named("moves")
PARTITIONS = 6
FINISHING_SECONDS = 3.0  # consumer-2 finishes its work before it gives up partitions
QUIET_SECONDS = 1.0  # before the third consumer joins, and after the group has settled again
SETTLE_SECONDS = 40.0
CLASSIC = {  # the clients decide on the assignment, and on how long to wait for a silent member
    "group.protocol": "classic",
    "session.timeout.ms": 6000,
    "heartbeat.interval.ms": 200,
}
WAYS: dict[str, dict] = {
    "range": CLASSIC | {"partition.assignment.strategy": "range"},
    "cooperative-sticky": CLASSIC | {"partition.assignment.strategy": "cooperative-sticky"},
    "consumer": {"group.protocol": "consumer"},  # the broker decides, and refuses those settings
}


class Refused(Problem):
    """A member cannot go on."""


class Member(threading.Thread):
    """One consumer of the group, in a thread of its own. It polls often, because it learns of assignments in poll()."""

    def __init__(self, name: str, group: str, way: str, read_at: dict[int, list[float]]):
        super().__init__(name=name)
        own = {"group.id": group, "client.id": name, "auto.offset.reset": "latest", "fetch.wait.max.ms": 50}
        self.consumer = Consumer(client_config() | own | WAYS[way])
        self.group, self.read_at = group, read_at
        self.owned: set[int] = set()
        self.given_up: set[int] = set()
        self.got: list[tuple[float, list[int]]] = []  # (time.monotonic(), partitions)
        self.problem: Refused | None = None
        self.stopping = False

    def on_assign(self, consumer, partitions) -> None:
        new = {p.partition for p in partitions}
        self.owned |= new
        if new:
            self.got.append((time.monotonic(), sorted(new)))

    def assigned(self, consumer, partitions) -> None:
        """An error that leaves a callback could not be caught: poll() raises it as something that is no exception."""
        try:
            self.on_assign(consumer, partitions)
        except KafkaException as error:
            what = f"the client of {self.name} says {error.args[0].name()}: {error.args[0].str()}"
            self.problem, self.stopping = Refused(what, "this callback gets the difference: incremental_assign"), True

    def on_revoke(self, _consumer, partitions) -> None:
        revoked = {p.partition for p in partitions}
        if self.name == "consumer-2" and not self.stopping:
            time.sleep(FINISHING_SECONDS)
        self.owned -= revoked
        self.given_up |= revoked

    def run(self) -> None:
        self.consumer.subscribe([TOPIC], on_assign=self.assigned, on_revoke=self.on_revoke)
        while not self.stopping:
            message = self.consumer.poll(0.05)
            if message is not None and not message.error():
                self.read_at[message.partition()].append(time.monotonic())
            elif message is not None and message.error().code() == KafkaError._FATAL:
                hint = "let the classic members use range (cooperative-sticky sends data that would be lost)"
                self.problem = Refused(f"the broker refuses {self.name}: {message.error().str()}", hint)
                break
        self.consumer.close()

    def stop(self) -> None:
        self.stopping = True
        if self.ident:  # it was started
            self.join()


def wait_for(*members: Member) -> None:
    """Return once each member has its share of the partitions."""

    def settled() -> bool:
        if problem := next((member.problem for member in members if member.problem), None):
            raise problem
        return all(len(member.owned) == PARTITIONS // len(members) for member in members)

    if not wait_until(settled, SETTLE_SECONDS, pause=0.02):
        raise Problem(f"the group {members[0].group} does not settle in {SETTLE_SECONDS:.0f} s", OTHER_READER)


def compare(way: str) -> None:
    read_at: dict[int, list[float]] = {partition: [] for partition in range(PARTITIONS)}
    members = [Member(f"consumer-{number}", named(f"moves-{way}"), way, read_at) for number in (1, 2, 3)]
    first, second, newcomer = members
    try:
        first.start()
        second.start()
        wait_for(first, second)
        time.sleep(QUIET_SECONDS)
        before = {member.name: sorted(member.owned) for member in (first, second)}
        for member in (first, second):
            member.given_up.clear()
        joined = time.monotonic()
        newcomer.start()
        wait_for(*members)
        time.sleep(QUIET_SECONDS)
        print(way)
        for member in (first, second):
            had, given_up, has = before[member.name], sorted(member.given_up), sorted(member.owned)
            print(f"  {member.name} had {had}, gave up {given_up}, has {has}")
        got = ", ".join(f"{partitions} after {at - joined:.1f} s" for at, partitions in newcomer.got)
        print(f"  {newcomer.name} got {got}")
        until = time.monotonic()
        pauses = {partition: longest_pause(times, joined, until) for partition, times in read_at.items()}
        print("  no reader:", ", ".join(f"{partition} for {seconds:.1f} s" for partition, seconds in pauses.items()))
    finally:
        for member in members:
            member.stopping = True
        for member in members:
            member.stop()


def main() -> None:
    kafka4.need()
    make_topic(TOPIC, PARTITIONS)
    with flowing(TOPIC, PARTITIONS):
        for way in WAYS:
            try:
                compare(way)
            except Refused as refused:
                print(f"{way}\n  {refused.line()}")


if __name__ == "__main__":
    main()
