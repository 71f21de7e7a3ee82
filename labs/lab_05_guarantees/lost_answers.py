"""Lab 5: the broker writes events but its answers are late. The producer sends again: once too often?

    python run.py labs/lab_05_guarantees/lost_answers.py

The broker is stopped for some seconds in the middle of its work (its process is suspended, or its container paused)
while events are on their way: first those of a producer with enable.idempotence=false, then those of one with true.
"""

import time
import uuid
from collections import Counter

from confluent_kafka import Producer

from labs.frozen import frozen_broker
from labs.topics import make_topic, named, read
from plumbing.kafka import client_config

TOPIC = named("answers")
EVENTS = 100
FROZEN_SECONDS = 3.0  # longer than the producer waits for an answer, shorter than a session timeout of the consumers


def send(idempotent: bool) -> Counter:
    """Event -> how often it is in the log."""
    run = f"{'idempotent' if idempotent else 'plain'}-{uuid.uuid4().hex}"
    producer = Producer(
        client_config()
        | {
            "acks": "all",
            "enable.idempotence": idempotent,
            "request.timeout.ms": 1000,
            "socket.timeout.ms": 1000,
            "retry.backoff.ms": 100,
            "linger.ms": 5,
            "batch.num.messages": 10,
        }
    )
    producer.list_topics(TOPIC, timeout=15)
    producer.produce(TOPIC, f"{run} first".encode(), partition=0)
    producer.flush(15)  # it is connected, and knows who leads the partition
    with frozen_broker():
        for number in range(EVENTS):
            producer.produce(TOPIC, f"{run} {number}".encode(), partition=0)
        until = time.monotonic() + FROZEN_SECONDS
        while time.monotonic() < until:
            producer.poll(0.1)
    producer.flush(30)
    values = (record.value().decode() for record in read(TOPIC))
    return Counter(value for value in values if value.startswith(run) and not value.endswith("first"))


def main() -> None:
    make_topic(TOPIC, 1)
    for idempotent in (False, True):
        counts = send(idempotent)
        twice = sum(count > 1 for count in counts.values())
        setting = f"enable.idempotence={str(idempotent).lower()}"
        print(f"{setting:<25} sent {EVENTS}, lost {EVENTS - len(counts)}, twice {twice}")


if __name__ == "__main__":
    main()
