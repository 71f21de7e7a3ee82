"""Lab 3: a consumer is restarted, as for an update. How often does the other one lose its partitions?

    python run.py labs/lab_03_rebalancing/static_member.py

First as a dynamic member of a group, then as a static one: a member with a `group.instance.id`.
"""

import threading
import time

from confluent_kafka import Consumer

from labs.topics import OTHER_READER, named
from plumbing import Problem
from plumbing.kafka import client_config
from plumbing.waiting import wait_until
from settings import TOPIC

SESSION_TIMEOUT_MS = 10_000  # a static member that returns within this time keeps its partitions
SETTLE_SECONDS = 40.0
AWAY_SECONDS = 1.0


class Member(threading.Thread):
    """One consumer of the group, in a thread of its own; it records its assignments."""

    def __init__(self, group: str, name: str):
        super().__init__()
        static = {"group.instance.id": name} if group == named("static") else {}
        self.config = client_config() | {
            "group.id": group,
            "client.id": name,
            "partition.assignment.strategy": "range",
            "session.timeout.ms": SESSION_TIMEOUT_MS,
            "heartbeat.interval.ms": 200,
            **static,
        }
        self.assigned: list[list[int]] = []
        self.stopping = False

    def on_assign(self, _consumer, partitions) -> None:
        self.assigned.append([p.partition for p in partitions])

    def run(self) -> None:
        consumer = Consumer(self.config)
        consumer.subscribe([TOPIC], on_assign=self.on_assign)
        while not self.stopping:
            consumer.poll(0.1)
        consumer.close()

    def stop(self) -> None:
        self.stopping = True
        if self.ident:  # it was started
            self.join()


def wait_for(condition) -> None:
    if not wait_until(condition, SETTLE_SECONDS, pause=0.02):
        raise Problem("the group does not settle", OTHER_READER)


def restart(group: str) -> None:
    """Start two members, restart the second, and print how often the first was reassigned."""
    stays, updated = Member(group, "stays"), Member(group, "updated")
    try:
        stays.start()
        updated.start()
        wait_for(lambda: stays.assigned and updated.assigned and len(stays.assigned[-1] + updated.assigned[-1]) == 3)
        before = len(stays.assigned)
        updated.stop()
        time.sleep(AWAY_SECONDS)
        updated = Member(group, "updated")
        updated.start()
        wait_for(lambda: updated.assigned and len(stays.assigned[-1] + updated.assigned[-1]) == 3)
        again = stays.assigned[before:]
    finally:
        updated.stop()
        stays.stop()
    print(f"{group}: the surviving member was reassigned {len(again)} times {again}")


def main() -> None:
    for group in (named("dynamic"), named("static")):
        restart(group)


if __name__ == "__main__":
    main()
