"""Judges exercise 1: one event, and where the broker has put it."""

import json
import random
import re
from collections.abc import Iterator

from confluent_kafka import Message

from exercises.referee import CORRECT, Trial
from labs.checks import Goal

EVENT = {"person": "ann", "likes": "Kafka"}
PARTITIONS = 3
PATIENT = {"Producer": {"linger.ms": 2000}}  # or what is in the buffer may leave it while Python ends, by chance
OTHERS = (20, 60)  # events of others in each partition: so that nobody can guess the offset


def goals(trial: Trial) -> Iterator[Goal]:
    topic = trial.topic(PARTITIONS)
    before = {}
    for partition in range(PARTITIONS):
        before[partition] = random.randint(*OTHERS)
        for _ in range(before[partition]):
            trial.produce(topic, '{"person": "ben", "likes": "tea"}', partition=partition)
    trial.flush()

    trial.defaults = PATIENT
    trial.look("it runs, and ends", "it ends by itself; a topic that does not exist would keep flush() waiting")
    program, code = trial.run(TOPIC=topic)
    if code != 0:
        trial.next = CORRECT
        yield trial.goal(False, f"it has ended with exit code {code}: {program.last_words}")
        return
    yield trial.goal(True, "it has ended with exit code 0")

    new = [record for record in trial.read(topic) if record.offset() >= before[record.partition()]]
    following = "produce() it once" if new else "produce() only fills a buffer: wait until it is sent"
    trial.look("one event is in the topic", following)
    yield trial.goal(len(new) == 1, f"new events: {len(new)}" if new else "none: the program ended before it was sent")
    if not new:
        return

    trial.look("its value is as agreed", f"json.dumps({EVENT})")
    values = [record.value() for record in new]
    why = ", ".join(str(value)[1:][:80] for value in values[:3])
    yield trial.goal(all(map(_is_as_agreed, values)), why)

    trial.look("the program prints where it is", "print it in the delivery report, which poll() and flush() call")
    yield trial.goal(*_printed(program.lines, new))


def _is_as_agreed(value: bytes | None) -> bool:
    try:
        return json.loads(value or b"") == EVENT
    except ValueError:
        return False


def _printed(lines: list[str], new: list[Message]) -> tuple[bool, str]:
    """True if the partitions and offsets of these records, and no others, were printed; and what was printed."""
    text = "\n".join(lines)
    found = re.findall(r"partition\W{0,3}(\d+)\W+offset\W{0,3}(\d+)", text, re.IGNORECASE)
    printed = sorted((int(partition), int(offset)) for partition, offset in found)
    true = sorted((record.partition(), record.offset()) for record in new)
    told = ", ".join(f"partition={partition} offset={offset}" for partition, offset in printed)
    truth = ", ".join(f"partition={partition} offset={offset}" for partition, offset in true)
    if printed and printed == true:
        return True, told
    return False, f"it printed {told or 'no line such as partition=1 offset=42'}; the event is at {truth}"
