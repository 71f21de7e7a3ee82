"""Lab 14: Lag, scaling, batching."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from labs.checks import Goal, Leaves
from labs.evidence import Evidence
from labs.internals.batches import Batch
from labs.internals.history import Generation, History
from labs.topics import named
from plumbing import Problem

LAG, BATCHING = (f"python run.py labs/lab_14_throughput/{name}.py" for name in ("lag", "batching"))
TO_ITS_END = "let it run to its end"
MUCH = 100  # likes that the lag has to grow by, or to start from when it falls
ENOUGH = 500  # likes that a run needs to count; the program writes 1000
ONE_BY_ONE, ONE_BY_ONE_ZSTD, LINGER, BATCH_SIZE, ZSTD = 0, 1, 3, 4, 5  # partitions, as on the page
LIKES_PER_BATCH = 20  # at least, with linger.ms
LARGEST = 2000  # batch.size
LEAVES = Leaves((named("lag"), named("batching")), (named("lag"),))


def goals(seen: Evidence) -> Iterator[Goal]:
    yield from _lag(seen, named("lag"))
    try:
        runs = _runs(seen.batches(named("batching")))
    except Problem as problem:
        yield Goal("batches of likes", False, str(problem), problem.hint)
    else:
        yield from _batching(runs)


class Lag:
    """The lag at a given time: likes written minus likes committed by then."""

    def __init__(self, seen: Evidence, topic: str, history: History):
        self.written: dict[int, list[int]] = {}  # partition -> times, in log order
        self.first: dict[int, int] = {}
        for record in sorted(seen.records(topic), key=lambda record: record.offset()):
            self.written.setdefault(record.partition(), []).append(record.timestamp()[1])
            self.first.setdefault(record.partition(), record.offset())
        self.commits = history.commits_of(topic)

    def at(self, ms: int) -> int:
        return sum(self._of(partition, ms) for partition in self.written)

    def _of(self, partition: int, ms: int) -> int:
        committed = [commit.offset for commit in self.commits.get(partition, ()) if commit.at_ms <= ms]
        end = self.first[partition] + bisect_right(self.written[partition], ms)
        return max(0, end - (committed[-1] if committed else self.first[partition]))


@dataclass(frozen=True)
class Period:
    """From one generation with members to the next, with the lag at both ends. The last one ends with its last
    commit."""

    generation: Generation
    seconds: float
    first: int
    last: int

    def summary(self, topic: str) -> str:
        return f"from {self.first} to {self.last} in {self.seconds:.0f} s, {self.generation.summary(topic)}"


def _periods(seen: Evidence, topic: str, history: History) -> list[Period]:
    lag = Lag(seen, topic, history)
    ends = [following.at_ms for _, following in pairwise(history.generations)]
    ends += [max((commit.at_ms for commit in history.commits), default=0)]
    return [
        Period(one, (end - one.at_ms) / 1000, lag.at(one.at_ms), lag.at(end))
        for one, end in zip(history.generations, ends, strict=False)
        if one.members and end > one.at_ms
    ]


def _lag(seen: Evidence, topic: str) -> Iterator[Goal]:
    history, partitions = seen.history(topic), seen.partitions(topic)
    periods = _periods(seen, topic, history)
    what = "with one reader, the lag grows"
    alone = [period for period in periods if len(period.generation.members) == 1]
    grown = max(alone, key=lambda period: period.last - period.first, default=None)
    yield _goal(what, grown and grown.last - grown.first >= MUCH, grown, topic, "no reader was ever alone")

    what = "with one reader per partition, it falls"
    full = [period for period in periods if len(set(period.generation.owners(topic).values())) == partitions > 1]
    fallen = max(full, key=lambda period: period.first - period.last, default=None)
    reached = fallen and fallen.first >= MUCH and fallen.last <= fallen.first / 2
    yield _goal(what, reached, fallen, topic, "there were never as many readers as partitions")

    what = "an extra reader is idle"
    idle = [one for one in history.generations if one.members and len(one.members) > partitions > 1]
    why = idle[-1].summary(topic) if idle else "there were never more readers than partitions"
    yield Goal(what, bool(idle), why, f"{LAG}   ({TO_ITS_END})")


def _goal(what: str, reached, period: Period | None, topic: str, missing: str) -> Goal:
    if period is None:
        return Goal(what, False, missing, f"{LAG}   ({TO_ITS_END})")
    following = f"undo your changes in lag.py, if there are any, then {LAG}   ({TO_ITS_END})"
    return Goal(what, bool(reached), period.summary(topic), following)


@dataclass(frozen=True)
class Run:
    """What one run of batching.py wrote to one partition."""

    batches: tuple[Batch, ...]

    @property
    def likes(self) -> int:
        return sum(batch.records for batch in self.batches)

    @property
    def likes_per_batch(self) -> float:
        return self.likes / len(self.batches)

    @property
    def bytes_per_like(self) -> float:
        return sum(batch.size for batch in self.batches) / self.likes

    @property
    def largest(self) -> int:
        return max(batch.size for batch in self.batches)

    @property
    def codecs(self) -> set[str]:
        return {batch.codec for batch in self.batches}

    def summary(self) -> str:
        return f"{self.likes} likes in {len(self.batches)} batches, {self.bytes_per_like:.0f} bytes each"


def _runs(batches: list[Batch]) -> dict[int, list[Run]]:
    """Partition -> its runs that count, latest first: each run has another producer id."""
    found: dict[tuple[int, int], list[Batch]] = {}
    for batch in batches:
        found.setdefault((batch.partition, batch.producer_id), []).append(batch)
    runs: dict[int, list[Run]] = {}
    for (partition, _), those in found.items():
        if (run := Run(tuple(those))).likes >= ENOUGH:
            runs.setdefault(partition, []).insert(0, run)
    return runs


def _batching(runs: dict[int, list[Run]]) -> Iterator[Goal]:
    single = _first(runs, ONE_BY_ONE, lambda run: run.likes_per_batch == 1)
    linger = _first(runs, LINGER, lambda run: run.likes_per_batch >= LIKES_PER_BATCH and run.codecs == {"none"})
    # What a producer was told is not in the log; which partition was for which settings is on the page.
    yield _found("partition 0, one by one: each like is a batch", single, runs, ONE_BY_ONE)
    yield _found("partition 3, linger.ms: few batches", linger, runs, LINGER)
    small = _first(
        runs, BATCH_SIZE, lambda run: run.largest <= LARGEST and 1 < run.likes_per_batch < LIKES_PER_BATCH * 2
    )
    more = f", the largest has {small.largest} bytes" if small else ""
    yield _found("partition 4, batch.size: they stay small", small, runs, BATCH_SIZE, more)

    def is_compressed(run: Run) -> bool:
        return run.codecs == {"zstd"} and (not linger or run.bytes_per_like < linger.bytes_per_like / 2)

    yield _found("partition 5, zstd: large batches become small", _first(runs, ZSTD, is_compressed), runs, ZSTD)
    alone = _first(
        runs,
        ONE_BY_ONE_ZSTD,
        lambda run: run.likes_per_batch == 1 and (not single or run.bytes_per_like > 0.9 * single.bytes_per_like),
    )
    yield _found("partition 1, a like alone: not smaller than in partition 0", alone, runs, ONE_BY_ONE_ZSTD)


def _first(runs: dict[int, list[Run]], partition: int, fits) -> Run | None:
    return next(filter(fits, runs.get(partition, ())), None)


def _found(what: str, run: Run | None, runs: dict[int, list[Run]], partition: int, more: str = "") -> Goal:
    if run:
        return Goal(what, True, f"{run.summary()}{more}")
    if others := runs.get(partition):
        codecs = "/".join(sorted(others[0].codecs))
        why = f"partition {partition} has {others[0].summary()}, compression {codecs}"
        return Goal(what, False, why, f"undo your changes in batching.py, then {BATCHING}")
    why = f"partition {partition} has no run of at least {ENOUGH} likes"
    return Goal(what, False, why, f"{BATCHING}   ({TO_ITS_END})")
