"""Lab 5: a program copies events from one topic to another and crashes halfway. What is lost, what is duplicated?

    python run.py labs/lab_05_guarantees/guarantees.py

In each of three ways, a process copies 300 events in batches of 100, and crashes after 37 events of the second
batch; a second process resumes at the committed offset.
"""

import os
import subprocess
import sys
from collections import Counter

from confluent_kafka import Consumer, Producer, TopicPartition

from labs.topics import make_topic, named, read
from plumbing.kafka import client_config

SOURCE = named("orders")
EVENTS = 300
BATCH = 100
CRASHES_AFTER = 137  # events: 37 of the second batch
WAYS = ("at-most-once", "at-least-once", "exactly-once")
SECONDS = 20


def target(way: str) -> str:
    return named(f"copy-{way}")


def copy(way: str, run: str, crashes: bool) -> None:
    """Copy what the group has not committed yet. With `crashes`, crash halfway."""
    transactional = {"transactional.id": named(way)} if way == "exactly-once" else {}
    producer = Producer(client_config() | transactional)
    own = {"group.id": named(way), "enable.auto.commit": False, "isolation.level": "read_committed"}
    consumer = Consumer(client_config() | own)
    # The partition is assigned by hand, without joining the group: otherwise the second process would have to wait
    # for the session timeout of the first. Committing offsets works anyway.
    source = TopicPartition(SOURCE, 0)
    source.offset = max(consumer.committed([source], SECONDS)[0].offset, first_of(run))
    consumer.assign([source])
    if transactional:
        producer.init_transactions(SECONDS)  # aborts what an earlier process with this id left open
    _, end = consumer.get_watermark_offsets(source, SECONDS)
    copied, at = 0, source.offset
    while at < end:
        batch = [message for message in consumer.consume(BATCH, SECONDS) if not message.error()]
        at = batch[-1].offset() + 1
        offsets = [TopicPartition(SOURCE, 0, at)]
        if way == "at-most-once":
            consumer.commit(offsets=offsets, asynchronous=False)  # before the work
        if way == "exactly-once":
            producer.begin_transaction()
        for message in batch:
            producer.produce(target(way), message.value(), headers={"run": run}, partition=0)
            copied += 1
            if crashes and copied == CRASHES_AFTER:
                producer.flush(SECONDS)
                os._exit(1)  # without leaving, without a commit
        if way == "exactly-once":
            # The offsets are committed with the events, or neither is.
            producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata())
            producer.commit_transaction(SECONDS)
        else:
            producer.flush(SECONDS)
        if way == "at-least-once":
            consumer.commit(offsets=offsets, asynchronous=False)  # after the work
    consumer.close()


def first_of(run: str) -> int:
    """The offset of the first event of this run."""
    return int(run.rpartition("-")[2])


def arrived(way: str, run: str, isolation: str) -> Counter:
    """Event -> how many times this run has written it."""
    return Counter(
        record.value()
        for record in read(target(way), isolation=isolation)
        if dict(record.headers() or []).get("run") == run.encode()
    )


def main() -> None:
    make_topic(SOURCE, 1)
    written = []
    producer = Producer(client_config())
    for number in range(EVENTS):
        producer.produce(SOURCE, str(number), partition=0, on_delivery=lambda _, message: written.append(message))
    producer.flush(SECONDS)
    run = f"from-{written[0].offset()}"
    print("way            lost  duplicated")
    for way in WAYS:
        make_topic(target(way), 1)
        for fate in ("crashes", "resumes"):
            subprocess.run([sys.executable, "-m", "labs.lab_05_guarantees.guarantees", way, run, fate])
        counts = arrived(way, run, "read_committed")
        print(f"{way:<14} {EVENTS - len(counts):>4} {sum(n > 1 for n in counts.values()):>11}")
    uncommitted = arrived("exactly-once", run, "read_uncommitted").total() - counts.total()
    print(f"{uncommitted} events of the aborted transaction are in the log; read_committed skips them")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        copy(sys.argv[1], sys.argv[2], crashes=sys.argv[3] == "crashes")
    else:
        main()
