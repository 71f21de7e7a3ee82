"""Lab 1: where do events without a key go? Three ways to send thirty to a topic with three partitions.

    python run.py labs/lab_01_partitions/null_key.py

burst    as fast as possible; the client chooses the partition
slow     the same, with a pause after each event
chosen   the program chooses: 0, 1, 2, 0, 1, 2 ... as in producer.py
"""

import time
import uuid
from collections import Counter

from confluent_kafka import Producer

from labs.topics import make_topic, named
from plumbing.kafka import client_config

TOPIC = named("null-key")
PARTITIONS = 3
EVENTS = 30
PAUSE_SECONDS = 0.05  # longer than sticky.partitioning.linger.ms, 10 ms


def send(way: str) -> Counter:
    """Send the events in this way; returns how many were written to each partition."""
    producer = Producer(client_config() | {"partitioner": "murmur2_random"})
    for partition in range(PARTITIONS):
        # Until librdkafka knows the partitions' leaders, it picks a partition for each event separately.
        producer.produce(TOPIC, b"first", partition=partition)
    producer.flush(15)
    counts = Counter()
    headers = {"way": way, "run": uuid.uuid4().hex}

    def delivered(error, message) -> None:
        counts[error.str() if error else message.partition()] += 1

    for number in range(EVENTS):
        choice = {"partition": number % PARTITIONS} if way == "chosen" else {}
        producer.produce(TOPIC, str(number), headers=headers, on_delivery=delivered, **choice)
        if way == "slow":
            producer.poll(PAUSE_SECONDS)
            time.sleep(PAUSE_SECONDS)
    producer.flush(15)
    return counts


def main() -> None:
    make_topic(TOPIC, PARTITIONS)
    for way in ("burst", "slow", "chosen"):
        counts = send(way)
        print(f"{way:<8}", *(f"partition {partition}: {counts[partition]:>2}  " for partition in range(PARTITIONS)))


if __name__ == "__main__":
    main()
