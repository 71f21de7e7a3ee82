"""Lab 4: Keys and ordering."""

from collections.abc import Iterator

from labs.checks import Goal, Leaves
from labs.evidence import Evidence
from labs.topics import named
from settings import TOPIC

KEYS_IN_LIKES = {"ann": 3, "ben": 2}
KEYS = 8
PARTITIONS = 3
LEAVES = Leaves(topics=(named("keys"),))


def goals(seen: Evidence) -> Iterator[Goal]:
    likes = {key: partitions_with(seen, TOPIC, key) for key in KEYS_IN_LIKES}
    together = all(any(map(is_one, in_a_row(likes[key], count))) for key, count in KEYS_IN_LIKES.items())
    why = ", ".join(
        f"{key} ({len(partitions)} likes) in partition {' and '.join(map(str, sorted(set(partitions)))) or 'none'}"
        for key, partitions in likes.items()
    )
    following = "python run.py labs/click.py --count 3 --key ann   (and with --key ben)"
    yield Goal("likes with a key, each key in one partition", together, why, following)

    topic = named("keys")
    program = "python run.py labs/lab_04_keys/keys.py"
    first: dict[str, int] = {}  # key -> the partition of its first event, while there were three
    before: dict[str, set[int]] = {}  # key -> its partitions then, and afterwards
    after: dict[str, set[int]] = {}
    for record in seen.records(topic):
        when = before if record.value() == f"sent to {PARTITIONS} partitions".encode() else after
        when.setdefault(record.key().decode(), set()).add(record.partition())
        if when is before:
            first.setdefault(record.key().decode(), record.partition())
    why = f"{len(first)} keys in {len(set(first.values()))} partitions"
    count = seen.partitions(topic)
    # With four partitions, it is too late to see what the keys do with three.
    again = f"python run.py labs reset 4, then {program}" if count > PARTITIONS else program
    yield Goal("eight keys, one partition each", len(first) == KEYS, why, again)
    following = f"python run.py kafka-topics --alter --topic {topic} --partitions {PARTITIONS + 1}"
    yield Goal("the topic got another partition", count > PARTITIONS, f"{topic} has {count} partitions", following)
    moved = [key for key in sorted(before) if after.get(key, before[key]) - before[key]]
    why = f"{', '.join(moved)}; their events are in two partitions, with no order between them"
    yield Goal("keys that moved", bool(moved), why if moved else "none yet", f"{program}   (again)")


def in_a_row(partitions: list[int], count: int) -> list[list[int]]:
    """Every `count` consecutive ones."""
    return [partitions[start : start + count] for start in range(len(partitions) - count + 1)]


def is_one(partitions: list[int]) -> bool:
    return len(set(partitions)) == 1


def partitions_with(seen: Evidence, topic: str, key: str) -> list[int]:
    """The partitions of the records with this key."""
    return [record.partition() for record in seen.records(topic) if record.key() == key.encode()]
