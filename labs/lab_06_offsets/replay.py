"""Lab 6: read `likes` from an offset of your choice as the only consumer of a group, and commit how far it got.

    python run.py labs/lab_06_offsets/replay.py --group labs-replay --max 4

--max 4          stop after four likes
--from start     first move the group to the beginning of each partition; without --from it resumes
--from end       ... to the end
--from 2         ... to offset 2
--from 60s       ... to the first event of the last 60 seconds
--reset latest   where to start if the group has no committed offset, or it is no longer in the log; default: earliest
"""

import argparse
import json
import re
import sys
import time

from confluent_kafka import OFFSET_STORED, Consumer, KafkaException, TopicPartition

from labs.topics import partitions_of
from plumbing import Problem
from plumbing.identity import Identity
from plumbing.kafka import client_config
from plumbing.topic import Admin, at_end
from settings import TOPIC

SECONDS = 15


def starts_of(consumer: Consumer, where: str) -> list[TopicPartition]:
    """The offset at which to start in each partition. OFFSET_STORED is the group's committed offset; without one,
    auto.offset.reset decides."""
    partitions = range(partitions_of(TOPIC))
    if where == "group":
        return [TopicPartition(TOPIC, partition, OFFSET_STORED) for partition in partitions]
    starts = []
    for partition in partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(TOPIC, partition), SECONDS)
        if seconds := re.fullmatch(r"(\d+)s", where):
            at = TopicPartition(TOPIC, partition, int((time.time() - int(seconds[1])) * 1000))
            found = consumer.offsets_for_times([at], SECONDS)[0].offset  # the first event that is not older
            offset = found if found >= 0 else high  # all events are older
        else:
            offset = {"start": low, "end": high}[where] if where in ("start", "end") else min(int(where), high)
        starts.append(
            TopicPartition(TOPIC, partition, offset, f"from {where}")
        )  # the last argument is metadata of the commit
    return starts


def main() -> None:
    parser = argparse.ArgumentParser(prog="python run.py labs/lab_06_offsets/replay.py")
    parser.add_argument("--group", required=True)
    parser.add_argument("--from", dest="where", default="group", metavar="start|end|OFFSET|60s")
    parser.add_argument("--max", type=int, default=sys.maxsize, metavar="LIKES")
    parser.add_argument("--reset", choices=["earliest", "latest"], default="earliest")
    options = parser.parse_args()
    if not re.fullmatch(r"group|start|end|\d+s?", options.where):
        parser.error(f"--from {options.where}: start, end, an offset such as 2, or a time such as 60s")

    own = {
        "group.id": options.group,
        "client.id": options.group,
        "auto.offset.reset": options.reset,
        "enable.auto.commit": False,
        "enable.partition.eof": True,  # report the end of a partition
    }
    consumer = Consumer(client_config() | own)
    try:
        replay(consumer, options)
    finally:
        consumer.close()


def replay(consumer: Consumer, options: argparse.Namespace) -> None:
    starts = starts_of(consumer, options.where)
    new: set[int] = set()  # partitions without a committed offset
    if options.where != "group":
        consumer.commit(offsets=starts, asynchronous=False)  # committing an offset is all it takes to go back
    consumer.assign(starts)
    identity = Identity(TOPIC, Admin())
    if options.where == "group":
        new = {p.partition for p in consumer.committed(starts, SECONDS) if p.offset < 0}
        identity.ignore_stale_offsets(consumer, starts)
    started, reached, ended, likes = {}, {}, set(), 0
    while len(ended) < len(starts) and likes < options.max:
        message = consumer.poll(SECONDS)
        if message is None:
            raise Problem(f"no answer from the broker for {SECONDS} s")
        if message.error() and not at_end(message):
            raise KafkaException(message.error())
        started.setdefault(message.partition(), message.offset())
        reached[message.partition()] = identity.offset_after(message)
        if message.error():
            ended.add(message.partition())
            continue
        likes += 1
        try:
            what = f"order={json.loads(message.value())['order']}"
        except (ValueError, TypeError, KeyError):
            what = "not a like"
        print(f"partition {message.partition()}, offset {message.offset()}: {what}")
    if new & started.keys():  # for the check: where auto.offset.reset made it start
        label = f"reset {options.reset}"
        consumer.commit(
            offsets=[TopicPartition(TOPIC, partition, started[partition], label) for partition in new & started.keys()],
            asynchronous=False,
        )
    offsets = [reached[partition] for partition in sorted(reached)]
    consumer.commit(offsets=offsets, asynchronous=False)
    committed = ", ".join(f"partition {p.partition} offset {p.offset}" for p in offsets)
    print(f"{likes} events; committed: {committed}")


if __name__ == "__main__":
    main()
