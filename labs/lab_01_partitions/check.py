"""Lab 1: Topics, partitions, offsets."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

from labs.checks import Goal, Leaves
from labs.evidence import Evidence, order_of
from labs.topics import named
from settings import TOPIC

PARTITIONS = 3
IN_A_ROW = 6
EVENTS = 30  # null_key.py sends them in each way
LEAVES = Leaves(topics=(named("null-key"),))


def goals(seen: Evidence) -> Iterator[Goal]:
    count = seen.partitions(TOPIC)
    yield Goal(f"the topic {TOPIC}", count == PARTITIONS, f"{count} partitions", "python run.py doctor")
    yield _round_robin(seen)

    yield from _three_ways(seen)


def _three_ways(seen: Evidence) -> Iterator[Goal]:
    following = "python run.py labs/lab_01_partitions/null_key.py"
    sent = runs(seen)

    def stayed(partitions: list[int]) -> int:
        return sum(a == b for a, b in pairwise(partitions))

    burst, reached = one_of(sent["burst"], lambda run: len(run) == EVENTS and stayed(run) > EVENTS / 2)
    why = spread(burst) + (f"; {stayed(burst)} of them went to the partition of the one before" if burst else "")
    yield Goal("a burst, the client chooses", reached, why, following)
    slow, reached = one_of(sent["slow"], lambda run: len(run) == EVENTS and len(set(run)) > 1)
    yield Goal("slowly, the client chooses", reached, spread(slow) + (", at random" if slow else ""), following)
    in_turn = [number % PARTITIONS for number in range(EVENTS)]
    chosen, reached = one_of(sent["chosen"], lambda run: run == in_turn)
    yield Goal("a burst, the program chooses", reached, spread(chosen), following)


def runs(seen: Evidence) -> dict[str, list[list[int]]]:
    """The way of sending -> for each run, the partitions of its events in the order of sending."""
    found: dict[tuple[str, bytes], dict[int, int]] = {}
    for record in sorted(seen.records(named("null-key")), key=lambda record: record.timestamp()[1]):
        headers = dict(record.headers() or [])
        if way := headers.get("way", b"").decode():
            found.setdefault((way, headers.get("run", b"")), {})[int(record.value())] = record.partition()
    sent: dict[str, list[list[int]]] = {"burst": [], "slow": [], "chosen": []}
    for (way, _), partitions in found.items():
        sent.setdefault(way, []).append([partitions[number] for number in sorted(partitions)])
    return sent


def one_of(sent: list[list[int]], fits: Callable[[list[int]], bool]) -> tuple[list[int], bool]:
    """A run that fits, or else the last one, and True if it fits. Later runs, such as those of "Go on", may show
    something else."""
    run = next(filter(fits, reversed(sent)), sent[-1] if sent else [])
    return run, fits(run)


def spread(partitions: list[int]) -> str:
    """`10, 10 and 10`: how many went to each partition."""
    if not partitions:
        return "nothing has been sent yet"
    counts = Counter(partitions)
    *first, last = (str(counts[number]) for number in range(PARTITIONS))
    return f"{', '.join(first)} and {last}"


def _round_robin(seen: Evidence) -> Goal:
    what = "six likes without a key, round robin"
    partition, keyed = {}, set()
    for record in seen.records(TOPIC):
        if (order := order_of(record)) is None:
            continue
        if record.key() is None:
            partition.setdefault(order, record.partition())
        else:
            keyed.add(order)
    run, broken = [], ""
    for order in sorted(partition):
        if run and run[-1] != order - 1:
            key = f"order {order - 1} has a key, which decides its partition"
            broken = key if order - 1 in keyed else f"order {order - 1} is missing"
            run = []
        if partition[order] == (order - 1) % PARTITIONS:
            run.append(order)
        else:
            run, broken = [], f"order {order} went to partition {partition[order]}, and it was not its turn"
        if len(run) == IN_A_ROW:
            went = ", ".join(str(partition[order]) for order in run)
            return Goal(what, True, f"orders {run[0]} to {run[-1]} went to partitions {went}")
    if keyed and max(keyed) > max(partition, default=0):
        run, broken = [], f"order {max(keyed)} has a key, which decides its partition"
    why = f"so far {len(run)} in a row" + (f": {broken}, so the count starts again after it" if broken else "")
    return Goal(what, False, why, "like   (six times, in the terminal of run.py)")
