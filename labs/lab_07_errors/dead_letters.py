"""Lab 7: hand each like on to a receiver; try again what may yet succeed, put aside what cannot be done.

    python run.py labs/lab_07_errors/dead_letters.py            from the committed offset to the end of `likes`
    python run.py labs/lab_07_errors/dead_letters.py --replay   the dead letters, once the receiver works again

The receiver is made up: it is busy twice with an order that 4 divides, and never takes one that 5 divides, except in a
replay. What is put aside goes to the topic `likes.dlt` as it was, with the reason in its headers.
"""

import argparse
import sys
import time

from confluent_kafka import Consumer, KafkaError, Message, Producer

from consumer import parse_like
from labs.topics import make_topic, named
from plumbing.kafka import client_config
from settings import TOPIC

GROUP = named("errors")
DEAD_LETTERS = f"{TOPIC}.dlt"
ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.05  # doubled after each attempt
SECONDS = 15


class Busy(Exception):
    """The receiver has no time; it may have it later."""


def hand_on(like: dict, attempt: int, replay: bool) -> None:
    """What this program is for. Raises `Busy`."""
    if not replay and (like["order"] % 5 == 0 or (like["order"] % 4 == 0 and attempt < ATTEMPTS)):
        raise Busy(f"the receiver is busy with order {like['order']}")


def treat(message: Message, replay: bool) -> str:
    """Hand the like on, several times if need be; gives why that failed, "" when it did not."""
    try:
        like = parse_like(message.value())
    except ValueError as error:
        return f"not a like: {error}"  # trying again would change nothing
    for attempt in range(1, ATTEMPTS + 1):
        try:
            hand_on(like, attempt, replay)
        except Busy as busy:
            reason = f"{busy}, {attempt} attempts"
            if attempt < ATTEMPTS:
                time.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
        else:
            again = f", attempt {attempt}" if attempt > 1 else ""
            print(f"handed on: order={like['order']}{again}")
            return ""
    return reason


def put_aside(producer: Producer, message: Message, reason: str) -> None:
    """Write the record to the dead letters, as it is, and return when the broker has it."""
    origin = dict(message.headers() or []).get("origin") or origin_of(message)
    headers = {"reason": reason, "origin": origin, "group": GROUP}
    failed = []
    producer.produce(
        DEAD_LETTERS, message.value(), message.key(), headers=headers, on_delivery=lambda error, _: failed.append(error)
    )
    producer.flush(SECONDS)
    if failed != [None]:
        sys.exit(f"The dead letter was not written, so nothing is committed: {failed}. python run.py doctor")
    print(f"put aside: {origin.decode()}: {reason}")


def origin_of(message: Message) -> bytes:
    return f"{message.topic()}/{message.partition()}/{message.offset()}".encode()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python run.py labs/lab_07_errors/dead_letters.py")
    parser.add_argument("--replay", action="store_true")
    replay = parser.parse_args().replay
    make_topic(DEAD_LETTERS, 1)
    producer = Producer(client_config() | {"acks": "all", "enable.idempotence": True})
    group = f"{GROUP}-replay" if replay else GROUP
    settings = client_config() | {
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
    }
    consumer = Consumer(settings)
    consumer.subscribe([DEAD_LETTERS if replay else TOPIC])
    ended: set[int] = set()
    handed_on = aside = 0
    while not ended or len(ended) < len(consumer.assignment()):
        message = consumer.poll(SECONDS)
        if message is None:
            sys.exit(f"No word of the broker for {SECONDS} s. python run.py doctor")
        if message.error():
            if message.error().code() != KafkaError._PARTITION_EOF:
                sys.exit(f"{message.error().str()}. python run.py doctor")
            ended.add(message.partition())
            continue
        if reason := treat(message, replay):
            aside += 1
            if replay:
                print(f"stays aside: {dict(message.headers())['origin'].decode()}: {reason}")
            else:
                put_aside(producer, message, reason)
        else:
            handed_on += 1
        # At least once, with the dead letter written before the commit: nothing is passed over in silence.
        consumer.commit(message, asynchronous=False)
    consumer.close()
    print(f"{handed_on} handed on, {aside} put aside")


if __name__ == "__main__":
    main()
