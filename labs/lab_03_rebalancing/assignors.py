"""Lab 3: a consumer joins a group. What do the others lose in the meantime? Two assignors, compared.

    python run.py labs/lab_03_rebalancing/assignors.py

Two consumers share six partitions with a steady flow of events; then a third consumer joins. consumer-2 is slow: it
finishes its work before it gives up partitions. The output shows which partitions were given up, and the longest time
each partition had no reader.
"""

import threading
import time

from confluent_kafka import Consumer

from labs.flow import flowing, longest_pause
from labs.topics import OTHER_READER, make_topic, named
from plumbing import Problem
from plumbing.kafka import client_config
from plumbing.waiting import wait_until

TOPIC = named("flow")
PARTITIONS = 6
FINISHING_SECONDS = 1.5  # consumer-2 finishes its work before it gives up partitions
SETTLE_SECONDS = 40.0
QUIET_SECONDS = 1.0  # before the third consumer joins, and after the group has settled again


class Member(threading.Thread):
    """One consumer of the group, in a thread of its own."""

    def __init__(self, number: int, assignor: str, read_at: dict[int, list[float]]):
        super().__init__()
        self.name = f"consumer-{number}"
        self.config = client_config() | {
            "group.id": named(assignor),
            "client.id": self.name,
            "partition.assignment.strategy": assignor,
            "auto.offset.reset": "latest",
            "fetch.wait.max.ms": 50,
            "session.timeout.ms": 6000,  # how long the next run waits if this one is killed
            "heartbeat.interval.ms": 200,
        }
        self.read_at = read_at
        self.owned: set[int] = set()
        self.given_up: set[int] = set()
        self.stopping = False

    def on_assign(self, _consumer, partitions) -> None:
        self.owned |= {p.partition for p in partitions}

    def on_revoke(self, _consumer, partitions) -> None:
        revoked = {p.partition for p in partitions}
        if self.name == "consumer-2" and not self.stopping:
            time.sleep(FINISHING_SECONDS)
        self.owned -= revoked
        self.given_up |= revoked

    def run(self) -> None:
        consumer = Consumer(self.config)
        consumer.subscribe([TOPIC], on_assign=self.on_assign, on_revoke=self.on_revoke)
        while not self.stopping:
            message = consumer.poll(0.2)
            if message is not None and not message.error():
                self.read_at[message.partition()].append(time.monotonic())
        consumer.close()


def wait_for(members: list[Member]) -> None:
    """Return once each member has its share of the partitions."""
    share = PARTITIONS // len(members)
    if not wait_until(lambda: all(len(member.owned) == share for member in members), SETTLE_SECONDS, pause=0.02):
        raise Problem("the group does not settle", OTHER_READER)


def compare(assignor: str) -> None:
    read_at: dict[int, list[float]] = {partition: [] for partition in range(PARTITIONS)}
    members = [Member(number, assignor, read_at) for number in (1, 2)]
    newcomer = Member(3, assignor, read_at)
    try:
        for member in members:
            member.start()
        wait_for(members)
        time.sleep(QUIET_SECONDS)
        before = {member.name: set(member.owned) for member in members}
        for member in members:
            member.given_up.clear()
        joined = time.monotonic()
        newcomer.start()
        wait_for([*members, newcomer])
        time.sleep(QUIET_SECONDS)
        moved = {member.name: (sorted(member.given_up), sorted(member.owned)) for member in members}
        got, until = sorted(newcomer.owned), time.monotonic()
    finally:
        for member in [*members, newcomer]:
            member.stopping = True
        for member in [*members, newcomer]:
            if member.ident:
                member.join()
    print(assignor)
    for name, (given_up, has) in moved.items():
        print(f"  {name} had {sorted(before[name])}, gave up {given_up}, has {has}")
    print(f"  {newcomer.name} got {got}")
    pauses = {partition: longest_pause(times, joined, until) for partition, times in read_at.items()}
    print("  no reader:", ", ".join(f"{partition} for {seconds:.1f} s" for partition, seconds in pauses.items()))


def main() -> None:
    make_topic(TOPIC, PARTITIONS)
    with flowing(TOPIC, PARTITIONS):
        for assignor in ("range", "cooperative-sticky"):
            compare(assignor)


if __name__ == "__main__":
    main()
