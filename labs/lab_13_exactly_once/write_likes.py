"""Lab 13: likes of four minutes, each with the time of its click.

    python run.py labs/lab_13_exactly_once/write_likes.py

It need not wait: the times are in the events. The next run writes the following four minutes.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from confluent_kafka import Producer

from labs.topics import make_topic, named, read
from plumbing import Problem
from plumbing.kafka import client_config
from plumbing.like import parse_like

SOURCE = named("timed-likes")
NAMES = ("ann", "ben", "ann")  # who clicks, in turn
LIKES = 240  # one per second
START = datetime(2025, 12, 20, 10, 0, tzinfo=timezone.utc)
SECONDS = 30


def first_minute() -> tuple[int, datetime]:
    """The number and the minute after the likes of earlier runs."""
    order, start = 0, START
    for record in read(SOURCE):
        try:
            like = parse_like(record.value())
            minute = datetime.fromtimestamp(like["ts_ms"] // 60_000 * 60, timezone.utc)
            following = minute + timedelta(minutes=1)
        except (ValueError, OverflowError, OSError):
            continue  # not a like, or clicked in a year that datetime does not know
        order, start = max(order, like["order"]), max(start, following)
    return order + 1, start


def write(delay_seconds: Callable[[int], int] = lambda _number: 0) -> None:
    """Write the likes in the order in which they arrive: number 3 so many seconds after it was clicked."""
    make_topic(SOURCE, 1)
    first, start = first_minute()
    producer = Producer(client_config())
    for number in range(LIKES):
        clicked_at = start + timedelta(seconds=number - delay_seconds(number))
        like = {
            "order": first + number,
            "clicked_at": f"{clicked_at:%Y-%m-%d %H:%M:%S}",
            "ts_ms": int(clicked_at.timestamp() * 1000),
        }
        producer.produce(SOURCE, json.dumps(like), key=NAMES[number % len(NAMES)], partition=0)
    if unsent := producer.flush(SECONDS):
        raise Problem(f"{unsent} likes were not written in {SECONDS} s", "python run.py doctor")
    end = start + timedelta(seconds=LIKES - 1)
    print(f"{LIKES} likes in {SOURCE}, clicked from {start:%H:%M:%S} to {end:%H:%M:%S}")


if __name__ == "__main__":
    write()
