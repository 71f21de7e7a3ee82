"""Judges exercise 3: each key where Java's clients would put it, in order, with a header."""

import json
import random
from collections import Counter
from collections.abc import Iterator

from confluent_kafka import Message, murmur2

from exercises.referee import Trial, some
from labs.checks import Goal

PARTITIONS = 7
LIKES = 60
PATIENT = {"Producer": {"linger.ms": 2000}}  # or what is in the buffer may leave it while Python ends, by chance
PEOPLE = 12  # of which one has no name


def goals(trial: Trial) -> Iterator[Goal]:
    topic = trial.topic(PARTITIONS)
    people = [f"p{number}" for number in random.sample(range(1000), PEOPLE - 1)] + [None]
    first = random.randint(100, 900)
    persons = {first + number: people[number % PEOPLE] for number in range(LIKES)}  # by order
    file = trial.folder / "likes.jsonl"
    lines = {order: json.dumps({"order": order, "person": person}) for order, person in persons.items()}
    file.write_text("".join(f"{line}\n" for line in lines.values()), encoding="utf-8")

    trial.defaults = PATIENT
    program, code = trial.run(TOPIC=topic, LIKES=str(file))
    why = f"exit code {code}" + ("" if code == 0 else f": {program.last_words}")
    yield trial.goal(code == 0, why)
    if code:
        return
    records = trial.read(topic)
    orders = [_order_of(record) for record in records]
    trial.look("each like is in the topic once, as it is in the file", "produce() each line, and flush() in the end")
    found = Counter((record.value() or b"").strip() for record in records)
    missing = [order for order, line in lines.items() if not found[line.encode()]]
    twice = [order for order, line in lines.items() if found[line.encode()] > 1]
    others = found.keys() - {line.encode() for line in lines.values()}
    why = f"{LIKES - len(missing)} of {LIKES}"
    why += f"; missing: orders {some(missing)}" if missing else f"; twice: {some(map(str, twice))}" if twice else ""
    why += f"; not a line of the file: {str(min(others))[1:][:80]}" if others else ""
    yield trial.goal(not missing and not twice and not others, why)
    if missing or others:
        return

    trial.look("its key is the person", "key=person; None means no key, which is not the same as an empty key")
    keys = {order: record.key() for order, record in zip(orders, records, strict=True)}
    wrong = [order for order, key in keys.items() if key != _key(persons.get(order))]
    why = f"order {wrong[0]} of {persons.get(wrong[0])} has the key {keys[wrong[0]]}" if wrong else "all keys are right"
    yield trial.goal(not wrong, why)
    if wrong:
        return

    trial.look("each key is where Java's clients put it", "the setting partitioner: which value hashes with murmur2?")
    astray = [record for record in records if record.key() and record.partition() != murmur2(record.key(), PARTITIONS)]
    why = f"all {PEOPLE - 1} keys"
    if astray:
        keys_astray = {record.key() for record in astray}
        key, there = astray[0].key().decode(), astray[0].partition()
        why = f"{len(keys_astray)} of {PEOPLE - 1} keys are elsewhere: {key} is in partition {there}, "
        why += f"and belongs in {murmur2(astray[0].key(), PARTITIONS)}"
    yield trial.goal(not astray, why)

    trial.look("the likes of a person are in order", "produce() them in the order of the file")
    mixed = {record.key() for record, order in zip(records, orders, strict=True) if _is_late(record, order, records)}
    why = f"not those of {some(key.decode() for key in mixed)}" if mixed else "for each person"
    yield trial.goal(not mixed, why)

    trial.look("each has the header source: web", 'headers={"source": "web"}')
    bare = [
        order
        for record, order in zip(records, orders, strict=True)
        if ("source", b"web") not in (record.headers() or [])
    ]
    yield trial.goal(not bare, f"not orders {some(bare)}" if bare else f"all {LIKES}")


def _key(person: str | None) -> bytes | None:
    return None if person is None else person.encode()


def _order_of(record: Message) -> int:
    """0 for what is not a like."""
    try:
        return int(json.loads(record.value())["order"])
    except (ValueError, TypeError, KeyError):
        return 0


def _is_late(record: Message, order: int, records: list[Message]) -> bool:
    """True if a later like of this person is before it in the same partition."""
    before = (one for one in records if one.partition() == record.partition() and one.offset() < record.offset())
    return record.key() is not None and any(one.key() == record.key() and _order_of(one) > order for one in before)
