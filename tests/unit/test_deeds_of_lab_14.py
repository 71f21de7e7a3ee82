"""Lab 14: done by half, in another order, twice, with an edited program. tests/labs shows that its programs leave the
evidence recorded here."""

import pytest

from labs.internals.batches import Batch
from labs.internals.history import Commit, Generation, History, Member
from labs.lab_14_throughput import check
from labs.topics import named
from plumbing import Problem
from tests.unit.deeds import EACH, Record, Seen, both_tests, expect_words, reached

LAG = named("lag")
GROWS, FALLS, IDLE = (
    "with one reader, the lag grows",
    "with one reader per partition, it falls",
    "an extra reader is idle",
)
SINGLE, LINGER, SMALL, ZSTD, ALONE = (
    "partition 0, one by one: each like is a batch",
    "partition 3, linger.ms: few batches",
    "partition 4, batch.size: they stay small",
    "partition 5, zstd: large batches become small",
    "partition 1, a like alone: not smaller than in partition 0",
)
BY_LAG, BY_BATCHING = {GROWS, FALLS, IDLE}, {SINGLE, LINGER, SMALL, ZSTD, ALONE}
PARTITIONS = 4
SHARES = {0: [], 1: [(0, 1, 2, 3)], 2: [(0, 1), (2, 3)], 4: [(0,), (1,), (2,), (3,)], 5: [(0,), (1,), (2,), (3,), ()]}


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


def seen(lag: dict | None = None, batches: list[Batch] = ()) -> Seen:
    lag = lag or {"records": [], "generations": [], "commits": []}
    evidence = Seen({LAG: lag["records"]}, {LAG: History(lag["generations"], lag["commits"])})
    evidence.partitions = lambda topic: PARTITIONS if lag["records"] else 0
    evidence.batches = lambda topic: list(batches) if topic == named("batching") else []
    return evidence


def batches(partition: int, count: int, records: int, size: int, codec: str = "none", run: int = 1) -> list[Batch]:
    return [Batch(partition, n * records, records, size, codec, 10 * run + partition) for n in range(count)]


def six_ways(run: int = 1, **other: list[Batch]) -> list[Batch]:
    ways = {
        "single": batches(0, 1000, 1, 145, run=run),
        "alone": batches(1, 1000, 1, 145, run=run),
        "none": batches(2, 100, 10, 900, run=run),
        "linger": batches(3, 10, 100, 8550, run=run),
        "small": batches(4, 50, 20, 1760, run=run),
        "zstd": batches(5, 10, 100, 560, "zstd", run=run),
    } | other
    return [batch for way in ways.values() for batch in way]


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


def of_another_group() -> Seen:
    evidence, other = seen(), lag_run(*PHASES)
    evidence.history = lambda group: History(other["generations"]) if group == named("slow") else History()
    return evidence


def of_a_secured_broker() -> Seen:
    """Its batches cannot be read."""
    evidence = seen(lag_run(*PHASES))

    def refuse(_topic):
        raise Problem("only without passwords", "python run.py")

    evidence.batches = refuse
    return evidence


PHASES = ((1, 6), (2, 6), (4, 12), (5, 4))
TO_ITS_END = "-> …let it run to its end…"
UNDO_LAG, UNDO_BATCHING = (f"-> undo your changes in {name}.py…" for name in ("lag", "batching"))
LATER = six_ways(run=2, zstd=batches(5, 10, 100, 1300, "lz4", run=2), linger=batches(3, 50, 20, 1760, run=2))
CASES = {
    "nothing": (seen, set()),
    "a whole run of lag": (lambda: seen(lag_run(*PHASES)), BY_LAG),
    "stopped with one reader": (lambda: seen(lag_run(*PHASES[:1])), {GROWS}),
    "stopped with two": (lambda: seen(lag_run(*PHASES[:2])), {GROWS}),
    "stopped without a fifth": (lambda: seen(lag_run(*PHASES[:3])), {GROWS, FALLS}),
    "stopped before the lag fell": (lambda: seen(lag_run((1, 6), (2, 6), (4, 1))), {GROWS}),
    "stopped at once": (lambda: seen(lag_run((1, 1))), set()),
    "killed: a run ends with its last commit": (of_a_killed_run, {GROWS}),
    "all readers at once": (lambda: seen(lag_run((4, 6), (5, 4))), {IDLE}),
    "WORK_SECONDS was made shorter: readers as quick as the writer": (lambda: seen(lag_run(*PHASES, done=400)), {IDLE}),
    "readers that are slower than the writer": (lambda: seen(lag_run(*PHASES, done=20)), {GROWS, IDLE}),
    "a second run with changes undoes nothing": (with_a_second_run, BY_LAG),
    "lag of another group": (of_another_group, set()),
    "the six ways": (lambda: seen(batches=six_ways()), BY_BATCHING),
    "everything twice": (lambda: seen(lag_run(*PHASES), six_ways() + six_ways(run=2)), BY_LAG | BY_BATCHING),
    "batching was stopped in the third way": (
        lambda: seen(batches=[batch for batch in six_ways() if batch.partition < 2] + batches(2, 10, 10, 900)),
        {SINGLE, ALONE},
    ),
    "experiments after the goals undo nothing": (lambda: seen(batches=six_ways() + LATER), BY_BATCHING),
    "experiments before them": (lambda: seen(batches=LATER + six_ways(run=3)), BY_BATCHING),
    "a few likes, written by hand": (lambda: seen(batches=batches(0, 10, 1, 145) + batches(3, 1, 100, 8550)), set()),
    "a secured broker": (of_a_secured_broker, BY_LAG),
}
SAID = [
    ("nothing", EACH, "-> python run.py labs/lab_14_throughput/…"),
    ("a whole run of lag", GROWS, "…in 6 s, generation 1: reader-1 [0, 1, 2, 3]…"),
    ("a whole run of lag", IDLE, "…reader-4 [3], reader-5 []"),
    ("stopped with one reader", EACH, TO_ITS_END),
    ("stopped with two", EACH, TO_ITS_END),
    ("stopped without a fifth", EACH, TO_ITS_END),
    ("stopped before the lag fell", EACH, TO_ITS_END),
    ("stopped at once", EACH, TO_ITS_END),
    ("all readers at once", GROWS, "no reader was ever alone"),
    ("all readers at once", FALLS, "from 4 to 0 in …"),
    ("WORK_SECONDS was made shorter: readers as quick as the writer", GROWS, UNDO_LAG),
    ("readers that are slower than the writer", FALLS, UNDO_LAG),
    ("the six ways", LINGER, "1000 likes in 10 batches, 86 bytes each"),
    ("the six ways", SMALL, "…the largest has 1760 bytes"),
    ("the six ways", ZSTD, "1000 likes in 10 batches, 6 bytes each"),
    ("batching was stopped in the third way", LINGER, TO_ITS_END),
    ("a few likes, written by hand", SINGLE, "partition 0 has no run of at least 500 likes"),
    ("a secured broker", "batches of likes", "-> python run.py"),
]
test_goals, test_words = both_tests(check, CASES, SAID)


@pytest.mark.parametrize(
    ("other", "not_reached"),
    [
        ({"single": batches(0, 10, 100, 8550)}, SINGLE),
        ({"linger": batches(3, 100, 10, 900)}, LINGER),
        ({"linger": batches(3, 10, 100, 560, "zstd")}, LINGER),
        ({"small": batches(4, 10, 100, 8550)}, SMALL),
        ({"small": batches(4, 1000, 1, 145)}, SMALL),
        ({"zstd": batches(5, 10, 100, 8550)}, ZSTD),
        ({"zstd": batches(5, 10, 100, 1300, "lz4")}, ZSTD),
        ({"alone": batches(1, 10, 100, 560, "zstd")}, ALONE),
    ],
)
def test_an_edited_batching(other, not_reached):
    evidence = seen(batches=six_ways(**other))
    assert reached(check, evidence) == BY_BATCHING - {not_reached}
    expect_words(check, evidence, not_reached, UNDO_BATCHING)
