"""Lab 17: done by half, twice, with an edited program. tests/labs shows that programs leave this evidence."""

from unittest.mock import Mock

import pytest

from labs.internals.batches import Batch
from labs.lab_17_batching import check
from labs.topics import named
from plumbing import Problem
from tests.unit.deeds import EACH, Seen, both_tests, expect_words, reached

SINGLE, LINGER, SMALL, ZSTD, ALONE = (
    "partition 0, one by one: each like is a batch",
    "partition 3, linger.ms: few batches",
    "partition 4, batch.size: they stay small",
    "partition 5, zstd: large batches become small",
    "partition 1, a like alone: not smaller than in partition 0",
)
ALL = {SINGLE, LINGER, SMALL, ZSTD, ALONE}


def seen(batches: list[Batch] = ()) -> Seen:
    evidence = Seen()
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


def of_a_secured_broker() -> Seen:
    """Its batches cannot be read."""
    evidence = seen()
    evidence.batches = Mock(side_effect=Problem("only without passwords", "python run.py"))
    return evidence


TO_ITS_END = "-> …let it run to its end…"
UNDO = "-> undo your changes in batching.py…"
LATER = six_ways(run=2, zstd=batches(5, 10, 100, 1300, "lz4", run=2), linger=batches(3, 50, 20, 1760, run=2))
CASES = {
    "nothing": (seen, set()),
    "the six ways": (lambda: seen(six_ways()), ALL),
    "everything twice": (lambda: seen(six_ways() + six_ways(run=2)), ALL),
    "stopped in the third way": (lambda: seen(six_ways()[:2000] + batches(2, 10, 10, 900)), {SINGLE, ALONE}),
    "experiments after the goals undo nothing": (lambda: seen(six_ways() + LATER), ALL),
    "experiments before them": (lambda: seen(LATER + six_ways(run=3)), ALL),
    "a few likes, written by hand": (lambda: seen(batches(0, 10, 1, 145) + batches(3, 1, 100, 8550)), set()),
    "a secured broker": (of_a_secured_broker, set()),
}
SAID = [
    ("nothing", EACH, "-> python run.py labs/lab_17_batching/…"),
    ("the six ways", LINGER, "1000 likes in 10 batches, 86 bytes each"),
    ("the six ways", SMALL, "…the largest has 1760 bytes"),
    ("the six ways", ZSTD, "1000 likes in 10 batches, 6 bytes each"),
    ("stopped in the third way", LINGER, TO_ITS_END),
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
    evidence = seen(six_ways(**other))
    assert reached(check, evidence) == ALL - {not_reached}
    expect_words(check, evidence, not_reached, UNDO)
