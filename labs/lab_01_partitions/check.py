"""Lab 1: Topics, partitions, offsets."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from labs.checks import Goal
from labs.evidence import Evidence, order_of
from labs.topics import named
from settings import TOPIC

PARTITIONS = 3
IN_A_ROW = 6
EVENTS = 30  # that null_key.py sends in each way


def goals(seen: Evidence) -> Iterator[Goal]:
    count = seen.partitions(TOPIC)
    yield Goal(f"the topic {TOPIC}", count == PARTITIONS, f"{count} partitions", "python run.py doctor")
    yield _round_robin(seen)

    partitions = {way: [] for way in ("burst", "slow", "chosen")}
    for record in sorted(seen.records(named("null-key")), key=lambda record: record.timestamp()[1]):
        if (way := dict(record.headers() or []).get("way", b"").decode()) in partitions:
            partitions[way].append(record)
    sent = {way: last_run(records) for way, records in partitions.items()}
    following = "python run.py labs/lab_01_partitions/null_key.py"
    burst = sent["burst"]
    stayed = sum(a == b for a, b in pairwise(burst))
    why = spread(burst) + (f"; {stayed} of them went to the partition of the one before" if burst else "")
    yield Goal("a burst, the client chooses", len(burst) == EVENTS and stayed > EVENTS / 2, why, following)
    slow = sent["slow"]
    yield Goal(
        "slowly, the client chooses",
        len(slow) == EVENTS and len(set(slow)) > 1,
        spread(slow) + (", at random" if slow else ""),
        following,
    )
    chosen = sent["chosen"]
    in_turn = [number % PARTITIONS for number in range(EVENTS)]
    yield Goal("a burst, the program chooses", chosen == in_turn, spread(chosen), following)


def last_run(records: list) -> list[int]:
    """The partitions of the last thirty events sent in this way, in that order."""
    last = {int(record.value()): record.partition() for record in records}  # a later run replaces an earlier one
    return [last[number] for number in sorted(last)]


def spread(partitions: list[int]) -> str:
    """`10, 10 and 10`: how many went to each partition."""
    if not partitions:
        return "nothing has been sent yet"
    counts = Counter(partitions)
    *first, last = (str(counts[number]) for number in range(PARTITIONS))
    return f"{', '.join(first)} and {last}"


def _round_robin(seen: Evidence) -> Goal:
    what = "six likes without a key, round robin"
    partition = {}
    for record in seen.records(TOPIC):
        if record.key() is None and (order := order_of(record)) is not None:
            partition.setdefault(order, record.partition())
    run = []
    for order in sorted(partition):
        in_turn = partition[order] == (order - 1) % PARTITIONS
        run = ([*run, order] if run and run[-1] == order - 1 else [order]) if in_turn else []
        if len(run) == IN_A_ROW:
            went = ", ".join(str(partition[order]) for order in run)
            return Goal(what, True, f"orders {run[0]} to {run[-1]} went to partitions {went}")
    return Goal(what, False, f"so far {len(run)} in a row", "like   (six times, in the terminal of run.py)")
