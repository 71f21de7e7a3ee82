"""Lab 19: a compacted topic keeps the last record of each key.

    python run.py labs/lab_19_compaction/compaction.py

Three people change their profiles 50 times each; then cem deletes his. The program reads the topic repeatedly until the
broker's log cleaner has removed outdated records.
"""

import time
from collections import Counter

from confluent_kafka import Message, Producer

from labs.lab_12_retention import cleaner
from labs.topics import make_topic, named, read
from plumbing import Problem
from plumbing.kafka import client_config

TOPIC = named("profiles")
CONFIG = {
    "cleanup.policy": "compact",
    # The newest segment of the log is never compacted. This starts a new one with the first write after 2 s.
    "segment.ms": "2000",
    "min.cleanable.dirty.ratio": "0.01",  # compact when 1 % of the log is new; by default, half of it
    "delete.retention.ms": "1000",  # how long readers can see a tombstone; by default, a day
}
PEOPLE = ("ann", "ben", "cem")
CHANGES = 50
LOOK_SECONDS = 3.0
MOST_SECONDS = 100.0


def main() -> None:
    cleaner.need()
    make_topic(TOPIC, 1, CONFIG, lab=19)
    producer = Producer(client_config())
    for change in range(1, CHANGES + 1):
        for name in PEOPLE:
            producer.produce(TOPIC, key=name, value=f"profile {change}")
    producer.produce(TOPIC, key="cem", value=None)  # a tombstone
    producer.flush()

    started, before = time.monotonic(), 0
    while True:
        records = list(read(TOPIC))
        of_cem = sum(record.key() == b"cem" for record in records)
        seconds = time.monotonic() - started
        if not before or len(records) < before:
            print(f"{seconds:3.0f} s  {len(records)} records, {of_cem} of them with the key cem", flush=True)
        if not of_cem:
            break
        if seconds > MOST_SECONDS:
            what = f"after {seconds:.0f} s, the log still has {counts(records)}"
            raise Problem(what, "undo your changes, if any, then: python run.py labs reset 19, and this command again")
        before = len(records)
        time.sleep(LOOK_SECONDS)
        producer.produce(TOPIC, key="dan", value=f"after {seconds:.0f} s")  # a write starts a new segment
        producer.flush()
    for record in records:
        print(f"       {line_of(record)}")


def counts(records: list[Message]) -> str:
    """`50 records of ann, 50 of ben, 51 of cem, 30 of dan`"""
    found = Counter(record.key().decode() for record in records)
    first, *others = (f"{found[name]} of {name}" for name in sorted(found))
    return ", ".join([first.replace(" of", " records of"), *others])


def line_of(record: Message) -> str:
    return f"offset {record.offset()}  {record.key().decode()}  {(record.value() or b'(tombstone)').decode()}"


if __name__ == "__main__":
    main()
