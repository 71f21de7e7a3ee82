"""Lab 7: forward each like to a receiver; retry what may yet succeed, and set the rest aside.

    python run.py labs/lab_07_errors/dead_letters.py            from the group's offsets to the end of `likes`
    python run.py labs/lab_07_errors/dead_letters.py --replay   the dead letters, once the receiver has recovered

The receiver is simulated: it is busy twice if the order is divisible by 4, and always if it is divisible by 5, except
in a replay. Records that are set aside go to the topic `likes.dlt` unchanged, with the reason in a header.
"""

import argparse
import time

from confluent_kafka import Consumer, KafkaException, Message, Producer

from labs.topics import SESSION, make_topic, named, next_message
from plumbing import Problem
from plumbing.identity import Identity
from plumbing.kafka import client_config
from plumbing.like import parse_like
from plumbing.topic import Admin, at_end
from settings import TOPIC

GROUP = named("errors")
DEAD_LETTERS = f"{TOPIC}.dlt"
ATTEMPTS = 3
READY_AT = 3  # the attempt at which the receiver takes a like that it was too busy for
FIRST_PAUSE_SECONDS = 0.05  # doubled after each attempt
SECONDS = 15


class Busy(Exception):
    """The receiver is busy; a retry may succeed."""


def forward(like: dict, attempt: int, replay: bool) -> None:
    """Send the like to the receiver. Raises `Busy`."""
    if not replay and (like["order"] % 5 == 0 or (like["order"] % 4 == 0 and attempt < READY_AT)):
        raise Busy(f"the receiver is busy with order {like['order']}")


def process(message: Message, replay: bool) -> str:
    """Forward the like, with retries; returns "" or the reason why that failed."""
    try:
        like = parse_like(message.value())
    except ValueError as error:
        return f"not a like: {error}"  # a retry would change nothing
    for attempt in range(1, ATTEMPTS + 1):
        try:
            forward(like, attempt, replay)
        except Busy as busy:
            reason = f"{busy}, {attempt} attempts"
            if attempt < ATTEMPTS:
                time.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
        else:
            again = f", attempt {attempt}" if attempt > 1 else ""
            print(f"forwarded: order={like['order']}{again}")
            return ""
    return reason


def set_aside(producer: Producer, message: Message, reason: str) -> None:
    """Write the record to the dead letter topic, unchanged, and return once the broker has confirmed it."""
    origin = dict(message.headers() or []).get("origin") or origin_of(message)
    headers = {"reason": reason, "origin": origin, "group": GROUP}
    failed = []
    producer.produce(
        DEAD_LETTERS, message.value(), message.key(), headers=headers, on_delivery=lambda error, _: failed.append(error)
    )
    producer.flush(SECONDS)
    if failed != [None]:
        raise Problem(f"the dead letter was not written, so nothing is committed: {failed}")
    print(f"set aside: {origin.decode()}: {reason}")


def origin_of(message: Message) -> bytes:
    return f"{message.topic()}/{message.partition()}/{message.offset()}".encode()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python run.py labs/lab_07_errors/dead_letters.py")
    parser.add_argument("--replay", action="store_true")
    replay = parser.parse_args().replay
    make_topic(DEAD_LETTERS, 1)
    producer = Producer(client_config() | {"acks": "all", "enable.idempotence": True})
    group = f"{GROUP}-replay" if replay else GROUP
    own = {
        "group.id": group,
        "client.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
    }
    consumer = Consumer(client_config() | SESSION | own)
    topic = DEAD_LETTERS if replay else TOPIC
    identity = Identity(topic, Admin())
    try:
        consumer.subscribe([topic], on_assign=identity.ignore_stale_offsets)
        forwarded, aside = read(consumer, identity, group, producer, replay)
    finally:
        consumer.close()  # leaves the group, also after Ctrl+C: the next run need not wait
    print(f"{forwarded} forwarded, {aside} set aside")


def read(consumer: Consumer, identity: Identity, group: str, producer: Producer, replay: bool) -> tuple[int, int]:
    """Read to the end of the topic; returns how many records were forwarded and how many set aside."""
    ended: set[int] = set()
    forwarded = aside = 0
    while not ended or len(ended) < len(consumer.assignment()):
        message = next_message(consumer, group)
        if message.error():
            if not at_end(message):
                raise KafkaException(message.error())
            ended.add(message.partition())
            continue
        if reason := process(message, replay):
            aside += 1
            if replay:
                print(f"still set aside: {dict(message.headers())['origin'].decode()}: {reason}")
            else:
                set_aside(producer, message, reason)
        else:
            forwarded += 1
        # At least once: the dead letter is written before the commit, so nothing is lost.
        consumer.commit(offsets=[identity.offset_after(message)], asynchronous=False)
    return forwarded, aside


if __name__ == "__main__":
    main()
