"""Lab 5: the broker writes events, but its answers come late. The producer retries: does it write them twice?

    python run.py labs/lab_05_guarantees/lost_answers.py

The broker (its process or its container) is suspended for a few seconds while events are in flight: first from a
producer with enable.idempotence=false, then from one with true.
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
FROZEN_SECONDS = 3.0  # longer than the producer's request timeout, shorter than the consumers' session timeout


def send(idempotent: bool) -> Counter:
    """Event -> how many times it is in the log."""
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
    producer.flush(15)  # now it is connected and knows the partition's leader
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
        duplicated = sum(count > 1 for count in counts.values())
        setting = f"enable.idempotence={str(idempotent).lower()}"
        print(f"{setting:<25} sent {EVENTS}, lost {EVENTS - len(counts)}, duplicated {duplicated}")


if __name__ == "__main__":
    main()
