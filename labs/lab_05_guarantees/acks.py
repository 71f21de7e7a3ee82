"""Lab 5: what delivery reports say with acks=0 and with acks=all, if the broker rejects every third event.

    python run.py labs/lab_05_guarantees/acks.py

The topic accepts records of up to 1000 bytes. Of 30 events, ten are larger.
"""

import uuid
from collections import Counter

from confluent_kafka import Producer

from labs.topics import make_topic, named, read
from plumbing.kafka import client_config

TOPIC = named("acks")
EVENTS = 30
LARGEST = 1000  # bytes


def send(acks: str) -> tuple[Counter, int]:
    """What the delivery reports said, and how many of the events are in the log."""
    run = f"{acks}-{uuid.uuid4().hex}".encode()
    producer = Producer(client_config() | {"acks": acks, "linger.ms": 0, "max.in.flight": 1})
    reported = Counter()

    def delivered(error, _message) -> None:
        reported["delivered" if error is None else error.name()] += 1

    for number in range(EVENTS):
        value = b"x" * (2 * LARGEST if number % 3 == 2 else 10)
        producer.produce(TOPIC, value, headers={"run": run}, partition=0, on_delivery=delivered)
        producer.flush(15)
    return reported, sum(dict(record.headers())["run"] == run for record in read(TOPIC))


def main() -> None:
    make_topic(TOPIC, 1, {"max.message.bytes": str(LARGEST)}, lab=5)
    for acks in ("0", "all"):
        reported, written = send(acks)
        rejected = "".join(f", {count} rejected ({name})" for name, count in reported.items() if name != "delivered")
        print(f"acks={acks:<4} reported: {reported['delivered']} delivered{rejected}; in the log: {written}")


if __name__ == "__main__":
    main()
