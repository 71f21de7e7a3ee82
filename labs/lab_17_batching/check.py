"""Lab 17: Batching."""

from collections.abc import Iterator
from dataclasses import dataclass

from labs.checks import Goal, Leaves
from labs.evidence import Evidence
from labs.internals.batches import Batch
from labs.topics import named
from plumbing import Problem

BATCHING = "python run.py labs/lab_17_batching/batching.py"
TO_ITS_END = "let it run to its end"
ENOUGH = 500  # likes that a run needs to count; the program writes 1000
ONE_BY_ONE, ONE_BY_ONE_ZSTD, LINGER, BATCH_SIZE, ZSTD = 0, 1, 3, 4, 5  # partitions, as on the page
LIKES_PER_BATCH = 20  # at least, with linger.ms
LARGEST = 2000  # batch.size
LEAVES = Leaves((named("batching"),))


def goals(seen: Evidence) -> Iterator[Goal]:
    try:
        runs = _runs(seen.batches(named("batching")))
    except Problem as problem:
        yield Goal("batches of likes", False, str(problem), problem.hint)
    else:
        yield from _batching(runs)


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
