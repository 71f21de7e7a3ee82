"""Lab 5: click Like while the broker does not answer. What does the user see, and what is in the log afterwards?

python run.py labs/outage.py
"""

import time
import uuid

from labs.click import click
from labs.cluster import TOPIC, read
from labs.frozen import frozen_broker

METADATA_SECONDS = (
    3.1  # so long producer.py believes what it knows of the topic: after that, it asks at the first click
)
PATIENCE_SECONDS = 30


def likes_of(key: str) -> int:
    return sum(record.key() == key.encode() for record in read(TOPIC))


def main() -> None:
    key = f"outage-{uuid.uuid4().hex[:8]}"
    time.sleep(METADATA_SECONDS)
    print("the broker answers")
    confirmed = click(key)
    with frozen_broker():
        print("the broker does not answer")
        confirmed += click(key)
    print("the broker answers again")
    until = time.monotonic() + PATIENCE_SECONDS
    while not click(key) and time.monotonic() < until:
        time.sleep(1)
    confirmed += 1
    print(f"{confirmed} likes with the key {key} were confirmed, {likes_of(key)} are in the log")


if __name__ == "__main__":
    main()
