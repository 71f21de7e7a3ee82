"""Labs 13 and 18: a stream processor that counts the likes per key and minute, exactly once. A minute is its window.

    python run.py labs/lab_13_exactly_once/likes_per_minute.py           count what is there
    python run.py labs/lab_13_exactly_once/likes_per_minute.py --kill    die in the middle of a transaction

Each transaction has three parts: counts, likes that came too late, and the offset in the source. The counts are also
the processor's state, which it reads when it starts.
"""

import argparse
import json
import os
from datetime import datetime, timezone

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from labs.lab_13_exactly_once.write_likes import SOURCE
from labs.topics import make_topic, named, partitions_of, read
from plumbing import Problem
from plumbing.kafka import client_config
from plumbing.like import parse_like

COUNTS = named("likes-per-minute")
TOO_LATE = named("likes-too-late")
GROUP = TRANSACTIONAL_ID = named("per-minute")
WINDOW_MS = 60_000
GRACE_MS = 10_000  # how long after its end a window stays open
BATCH = 50  # likes per transaction
KILLED_IN = 3  # with --kill: the third transaction, or the last one
ISOLATION = "read_committed"  # for reading its own counts
SECONDS = 30
FENCED = (KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH, KafkaError.PRODUCER_FENCED)
WRITE = "python run.py labs/lab_13_exactly_once/write_likes.py"
PROGRAM = "python run.py labs/lab_13_exactly_once/likes_per_minute.py"


def clock(time_ms: int) -> datetime:
    """In UTC. Raises ValueError, OverflowError or OSError after the year 9999."""
    return datetime.fromtimestamp(time_ms // 1000, timezone.utc)


class State:
    """What the processor has to remember.

    likes    `ann 2025-12-20 10:00`, a key and the start of its window (UTC) -> the likes in it
    time_ms  the time of the latest click so far: the processor's clock
    """

    def __init__(self):
        self.likes: dict[str, int] = {}
        self.time_ms = 0

    def restore(self) -> None:
        """Restored from the log: the last count of each window."""
        for record in read(COUNTS, isolation=ISOLATION):
            try:
                window, count = record.key().decode(), json.loads(record.value())
                likes, time_ms = int(count["likes"]), int(count["time_ms"])
            except (AttributeError, ValueError, TypeError, KeyError):
                continue  # another program wrote this
            self.likes[window] = likes
            self.time_ms = max(self.time_ms, time_ms)

    @property
    def first_open_ms(self) -> int:
        """The start of the oldest window that is not closed."""
        return max(0, (self.time_ms - GRACE_MS) // WINDOW_MS * WINDOW_MS)

    def add(self, key: str, clicked_ms: int) -> str | None:
        """Count this like. Returns its window, or None if that is closed."""
        start_ms = clicked_ms // WINDOW_MS * WINDOW_MS
        if start_ms < self.first_open_ms:
            return None
        window = f"{key} {clock(start_ms):%Y-%m-%d %H:%M}"
        self.time_ms = max(self.time_ms, clicked_ms)
        self.likes[window] = self.likes.get(window, 0) + 1
        return window


def process(batch: list[Message], state: State, producer: Producer) -> tuple[int, int]:
    """Write the counts that these likes change, and the likes that are too late; returns how many of each."""
    changed, late = set(), 0
    for message in batch:
        key = (message.key() or b"nobody").decode(errors="replace")
        try:
            window = state.add(key, parse_like(message.value())["ts_ms"])
        except (ValueError, OverflowError, OSError):
            continue  # not a like, or clicked in a year that datetime does not know
        if window:
            changed.add(window)
        else:
            late += 1
            producer.produce(TOO_LATE, message.value(), message.key(), partition=0)
    for window in sorted(changed):
        count = {"likes": state.likes[window], "time_ms": state.time_ms}
        producer.produce(COUNTS, json.dumps(count), window, partition=0)
    return len(changed), late


def run(dies: bool) -> None:
    producer = Producer(client_config() | {"transactional.id": TRANSACTIONAL_ID})
    # This comes first: it aborts the transaction that a processor with the same id left open, and fences that processor
    # if it is still alive. Only then is it certain what was committed.
    producer.init_transactions(SECONDS)
    consumer = Consumer(client_config() | {"group.id": GROUP, "enable.auto.commit": False})
    source = TopicPartition(SOURCE, 0)
    [committed] = consumer.committed([source], SECONDS)
    source.offset = max(committed.offset, 0)
    consumer.assign([source])  # no group membership: nobody waits for a killed member's session to time out
    _, end = consumer.get_watermark_offsets(source, SECONDS)
    state = State()
    state.restore()
    print(f"starts at offset {source.offset}, with {len(state.likes)} counts")
    if dies and source.offset >= end:
        raise Problem("no like is left to count", f"write some first: {WRITE}")

    number, at = 0, source.offset
    while at < end:
        batch = consumer.consume(min(BATCH, end - at), SECONDS)
        if not batch or (error := next((message.error() for message in batch if message.error()), None)):
            raise KafkaException(error if batch else KafkaError(KafkaError._TIMED_OUT))
        first, at = batch[0].offset(), batch[-1].offset() + 1
        number += 1
        producer.begin_transaction()
        counts, late = process(batch, state, producer)
        what = (
            f"transaction {number}: offsets {first} to {at - 1}, {counts} counts{f', {late} too late' if late else ''}"
        )
        if dies and (number == KILLED_IN or at == end):
            producer.flush(SECONDS)
            print(f"{what}; killed before the commit", flush=True)
            os._exit(0)  # like a kill: no exception, nothing closed, nothing aborted
        following = TopicPartition(SOURCE, 0, at)
        producer.send_offsets_to_transaction([following], consumer.consumer_group_metadata(), SECONDS)
        producer.commit_transaction(SECONDS)
        print(f"{what}; committed", flush=True)
    consumer.close()
    print(f"all {end} offsets are counted, up to {clock(state.time_ms):%H:%M:%S}")
    print(f"counts that can still change: from {clock(state.first_open_ms):%H:%M} on")


def main() -> None:
    parser = argparse.ArgumentParser(prog=PROGRAM)
    parser.add_argument("--kill", action="store_true")
    dies = parser.parse_args().kill
    if not partitions_of(SOURCE):
        raise Problem(f"there is no topic {SOURCE} yet", f"write some likes first: {WRITE}")
    for topic in (COUNTS, TOO_LATE):
        make_topic(topic, 1)
    try:
        run(dies)
    except KafkaException as error:
        if error.args[0].code() not in FENCED:
            raise
        what = f"another processor with the transactional.id {TRANSACTIONAL_ID} has started, so this one is fenced"
        raise Problem(what, "let the other one finish; nothing is lost, and nothing counted twice") from None


if __name__ == "__main__":
    main()
