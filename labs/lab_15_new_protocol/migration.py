"""Lab 15: a group migrates from the classic protocol to the new one while it works.

    python run.py labs/lab_15_new_protocol/migration.py

Two classic consumers, with the assignor range, are replaced one by one with two of the new protocol, as in an update.
"""

import time

from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient

from labs import kafka4
from labs.flow import flowing, longest_pause
from labs.lab_15_new_protocol.protocols import PARTITIONS, QUIET_SECONDS, TOPIC, Member, wait_for
from labs.topics import make_topic, named
from plumbing.kafka import client_config

GROUP = named("migration")


def show(admin: AdminClient, what: str, *members: Member) -> None:
    """What the broker says about the group."""
    wait_for(*members)
    listed = admin.list_consumer_groups(states={ConsumerGroupState.STABLE}).result().valid
    kind = next((group.type.name.lower() for group in listed if group.group_id == GROUP), "not stable yet")
    owned = ", ".join(f"{member.name} {sorted(member.owned)}" for member in members)
    print(f"{what:<14} group of the type {kind}: {owned}")
    time.sleep(QUIET_SECONDS)


def main() -> None:
    kafka4.need()
    make_topic(TOPIC, PARTITIONS)
    admin = AdminClient(client_config())
    read_at: dict[int, list[float]] = {partition: [] for partition in range(PARTITIONS)}
    old = [Member(f"old-{number}", GROUP, "range", read_at) for number in (1, 2)]
    new = [Member(f"new-{number}", GROUP, "consumer", read_at) for number in (1, 2)]
    try:
        with flowing(TOPIC, PARTITIONS):
            old[0].start()
            wait_for(old[0])
            old[1].start()
            show(admin, "two old ones", *old)
            began = time.monotonic()
            new[0].start()
            show(admin, "new-1 joins", *old, new[0])
            old[0].stop()
            show(admin, "old-1 leaves", old[1], new[0])
            new[1].start()
            show(admin, "new-2 joins", old[1], *new)
            old[1].stop()
            show(admin, "old-2 leaves", *new)
            until = time.monotonic()
            pauses = [longest_pause(times, began, until) for times in read_at.values()]
            print(f"no reader: for {max(pauses):.1f} s at most")
    finally:
        for member in [*old, *new]:
            member.stopping = True
        for member in [*old, *new]:
            member.stop()


if __name__ == "__main__":
    main()
