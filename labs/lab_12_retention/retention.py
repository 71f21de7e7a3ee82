"""Lab 12: a topic that keeps its events for ten seconds, and a group that stays away for longer.

    python run.py labs/lab_12_retention/retention.py

The program writes an event each second. The group reads two of them, and leaves. When the broker has deleted some that
the group has not read, it comes back.
"""

import contextlib
import threading
import time
from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from labs.lab_12_retention import cleaner
from labs.topics import BROKER_SECONDS, SESSION, make_topic, named, next_message
from plumbing import Problem
from plumbing.kafka import client_config

TOPIC = named("visits")
GROUP = named("away")
CONFIG = {
    "retention.ms": "10000",
    "segment.ms": "2000",  # only whole segments are deleted
    # With "delete" alone, the broker looks for old segments every 5 minutes (log.retention.check.interval.ms). With
    # both policies, the log cleaner looks every 15 s. It compacts nothing here: no key occurs twice.
    "cleanup.policy": "compact,delete",
}
COMES_BACK = "earliest"  # auto.offset.reset when the group comes back
AT_ONCE = 2  # events the group reads before it leaves
MOST_SECONDS = 100.0


def main() -> None:
    cleaner.need()
    make_topic(TOPIC, 1, CONFIG, lab=12)
    with visits():
        stay_away_too_long()


def stay_away_too_long() -> None:
    _, committed = read_as_group(AT_ONCE, "earliest")
    started = time.monotonic()
    print(f"  0 s  {GROUP} has committed offset {committed}, and leaves", flush=True)
    while (oldest := oldest_offset()) <= committed:
        if time.monotonic() - started > MOST_SECONDS:
            again = "python run.py labs/lab_12_retention/retention.py"
            raise Problem(f"after {MOST_SECONDS:.0f} s, nothing was deleted", f"run it once more: {again}")
        time.sleep(1)
    print(f"{time.monotonic() - started:3.0f} s  the oldest event has offset {oldest}", flush=True)
    try:
        first, _ = read_as_group(1, COMES_BACK)
    except KafkaException as error:
        if error.args[0].code() != KafkaError._AUTO_OFFSET_RESET:
            raise
        print(f"       {GROUP} is back, and gets an error instead of an event: {error.args[0].str()}")
    else:
        print(f"       {GROUP} is back, and reads offset {first}: it has missed {first - committed} events")


@contextlib.contextmanager
def visits() -> Iterator[None]:
    """While the block runs, a thread writes an event each second."""
    ended = threading.Event()
    writer = threading.Thread(target=_write, args=[ended])
    writer.start()
    try:
        yield
    finally:
        ended.set()
        writer.join()


def _write(ended: threading.Event) -> None:
    producer = Producer(client_config())
    while not ended.wait(1):
        producer.produce(TOPIC, key=f"visit-{time.time_ns()}", value=b"hello")
        producer.flush()


def oldest_offset() -> int:
    consumer = Consumer(client_config() | {"group.id": GROUP})  # only asks; joins nothing
    try:
        return consumer.get_watermark_offsets(TopicPartition(TOPIC, 0), BROKER_SECONDS)[0]
    finally:
        consumer.close()


def read_as_group(count: int, reset: str) -> tuple[int, int]:
    """Read `count` events as the only member, commit and leave. Returns the first offset and the committed one."""
    own = {"group.id": GROUP, "auto.offset.reset": reset, "enable.auto.commit": False}
    consumer = Consumer(client_config() | SESSION | own)
    offsets = []
    try:
        consumer.subscribe([TOPIC])
        while len(offsets) < count:
            message = next_message(consumer, GROUP)
            if message.error():
                raise KafkaException(message.error())
            offsets.append(message.offset())
        following = TopicPartition(TOPIC, 0, offsets[-1] + 1, f"reads from {offsets[0]}")  # the label is for the check
        consumer.commit(offsets=[following], asynchronous=False)
    finally:
        consumer.close()
    return offsets[0], offsets[-1] + 1


if __name__ == "__main__":
    main()
