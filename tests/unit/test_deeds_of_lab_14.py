"""Lab 14: done by half, in another order, twice, edited. tests/labs shows that programs leave this evidence."""

from labs.internals.history import Commit, Generation, History, Member
from labs.lab_14_throughput import check
from labs.topics import named
from tests.unit.deeds import EACH, Record, Seen, both_tests

LAG = named("lag")
GROWS, FALLS, IDLE = (
    "with one reader, the lag grows",
    "with one reader per partition, it falls",
    "an extra reader is idle",
)
ALL = {GROWS, FALLS, IDLE}
PARTITIONS = 4
SHARES = {1: [(0, 1, 2, 3)], 2: [(0, 1), (2, 3)], 4: [(0,), (1,), (2,), (3,)], 5: [(0,), (1,), (2,), (3,), ()]}


def generation(number: int, at_seconds: float, readers: int, topic: str = LAG) -> Generation:
    members = (
        Member(f"reader-{n}-x", f"reader-{n}", None, frozenset((topic, partition) for partition in share))
        for n, share in enumerate(SHARES[readers], 1)
    )
    return Generation(number, int(1000 * at_seconds), "range", tuple(members))


def lag_run(*phases: tuple[int, float], since: float = 0, written: float = 25, done: float = 40, first=1) -> dict:
    """Phases of so many readers and seconds, then nobody; `written` likes a second in each partition, `done` by each
    reader. Gives what `Seen` needs."""
    records, commits, generations = [], [], []
    position, end, now = dict.fromkeys(range(PARTITIONS), 0.0), dict.fromkeys(range(PARTITIONS), 0), since
    for number, (readers, seconds) in enumerate(phases, first):
        generations.append(generation(number, now, readers))
        for _ in range(int(2 * seconds)):  # every half second
            for share in SHARES[readers]:
                for partition in share:
                    for like in range(int(written / 2)):
                        at = int(1000 * now) + like
                        records.append(Record(b"", partition, end[partition], at))
                        end[partition] += 1
                    position[partition] = min(end[partition], position[partition] + done / 2 / len(share))
                    at = int(1000 * now) + 499
                    commits.append(Commit(LAG, partition, int(position[partition]), "", at))
            now += 0.5
    generations.append(Generation(first + len(phases), int(1000 * now), None, ()))
    return {"records": records, "generations": generations, "commits": commits}


def seen(lag: dict | None = None) -> Seen:
    lag = lag or {"records": [], "generations": [], "commits": []}
    evidence = Seen({LAG: lag["records"]}, {LAG: History(lag["generations"], lag["commits"])})
    evidence.partitions = lambda topic: PARTITIONS if lag["records"] else 0
    return evidence


def with_a_second_run() -> Seen:
    """Of changed programs."""
    first, second = lag_run(*PHASES), lag_run((1, 2), (4, 2), since=60, first=9)
    for record in second["records"]:
        later = record.offset() + 10_000
        record.offset = lambda later=later: later
    return seen({name: first[name] + second[name] for name in first})


def of_a_killed_run() -> Seen:
    lag = lag_run((1, 6))
    del lag["generations"][-1]  # nobody has left the group
    return seen(lag)


PHASES = ((1, 6), (2, 6), (4, 12), (5, 4))
TO_ITS_END = "-> …let it run to its end…"
UNDO = "-> undo your changes in lag.py…"
CASES = {
    "nothing": (seen, set()),
    "a whole run of lag": (lambda: seen(lag_run(*PHASES)), ALL),
    "stopped with one reader": (lambda: seen(lag_run(*PHASES[:1])), {GROWS}),
    "stopped without a fifth": (lambda: seen(lag_run(*PHASES[:3])), {GROWS, FALLS}),
    "stopped before the lag fell": (lambda: seen(lag_run((1, 6), (2, 6), (4, 1))), {GROWS}),
    "stopped at once": (lambda: seen(lag_run((1, 1))), set()),
    "killed: a run ends with its last commit": (of_a_killed_run, {GROWS}),
    "all readers at once": (lambda: seen(lag_run((4, 6), (5, 4))), {IDLE}),
    "WORK_SECONDS was made shorter: readers as quick as the writer": (lambda: seen(lag_run(*PHASES, done=400)), {IDLE}),
    "readers that are slower than the writer": (lambda: seen(lag_run(*PHASES, done=20)), {GROWS, IDLE}),
    "a second run with changes undoes nothing": (with_a_second_run, ALL),
}
SAID = [
    ("nothing", EACH, "-> python run.py labs/lab_14_throughput/…"),
    ("a whole run of lag", GROWS, "…in 6 s, generation 1: reader-1 [0, 1, 2, 3]…"),
    ("a whole run of lag", IDLE, "…reader-4 [3], reader-5 []"),
    ("stopped with one reader", EACH, TO_ITS_END),
    ("stopped before the lag fell", EACH, TO_ITS_END),
    ("stopped at once", EACH, TO_ITS_END),
    ("all readers at once", GROWS, "no reader was ever alone"),
    ("all readers at once", FALLS, "from 4 to 0 in …"),
    ("WORK_SECONDS was made shorter: readers as quick as the writer", GROWS, UNDO),
    ("readers that are slower than the writer", FALLS, UNDO),
]
test_goals, test_words = both_tests(check, CASES, SAID)
