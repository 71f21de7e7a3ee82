"""Lab 14: done by half, in another order, twice, with an edited program. tests/labs shows that its programs leave the
evidence recorded here."""

import pytest

from labs.internals.batches import Batch
from labs.internals.history import Commit, Generation, History, Member
from labs.lab_14_throughput import check
from labs.topics import named
from plumbing import Problem
from tests.unit.test_lab_deeds import Record, Seen

LAG = named("lag")
GROWS, FALLS, IDLE = (
    "with one reader, the lag grows",
    "with one reader per partition, it falls",
    "an extra reader is idle",
)
SINGLE, LINGER, SMALL, ZSTD, ALONE = (
    "one by one, each like is a batch",
    "linger.ms=200 makes few batches",
    "batch.size=2000 keeps them small",
    "zstd makes large batches small",
    "zstd saves nothing where a like is alone",
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


def reached(evidence: Seen) -> set[str]:
    return {goal.what for goal in check.goals(evidence) if goal.reached}


def goal(evidence: Seen, what: str):
    return next(one for one in check.goals(evidence) if one.what == what)


PHASES = ((1, 6), (2, 6), (4, 12), (5, 4))


def test_a_whole_run_of_lag_reaches_its_goals_and_no_others():
    evidence = seen(lag_run(*PHASES))
    assert reached(evidence) == BY_LAG
    assert "in 6 s, generation 1: reader-1 [0, 1, 2, 3]" in goal(evidence, GROWS).why
    assert goal(evidence, IDLE).why.endswith("reader-4 [3], reader-5 []")


def test_nothing_done_gives_a_program_for_each_goal():
    evidence = seen()
    assert reached(evidence) == set()
    assert all(one.next.startswith("python run.py labs/lab_14_throughput/") for one in check.goals(evidence))


@pytest.mark.parametrize(
    ("phases", "what"),
    [
        (PHASES[:1], {GROWS}),
        (PHASES[:2], {GROWS}),
        (PHASES[:3], {GROWS, FALLS}),
        (((1, 6), (2, 6), (4, 1)), {GROWS}),
        (((1, 1),), set()),
    ],
    ids=["with one reader", "with two", "without a fifth", "before the lag fell", "at once"],
)
def test_it_was_stopped(phases, what):
    evidence = seen(lag_run(*phases))
    assert reached(evidence) == what
    assert all("let it run to its end" in one.next for one in check.goals(evidence) if not one.reached)


def test_a_killed_run_ends_with_its_last_commit():
    lag = lag_run((1, 6))
    del lag["generations"][-1]  # nobody has left the group
    assert reached(seen(lag)) == {GROWS}


def test_all_readers_at_once_never_let_it_grow():
    evidence = seen(lag_run((4, 6), (5, 4)))
    assert reached(evidence) == {IDLE}
    assert goal(evidence, GROWS).why == "no reader was ever alone"
    assert goal(evidence, FALLS).why.startswith("from 4 to 0 in ")


def test_readers_that_are_as_quick_as_the_writer_have_no_lag():
    """WORK_SECONDS was made shorter first."""
    evidence = seen(lag_run(*PHASES, done=400))
    assert reached(evidence) == {IDLE}
    assert goal(evidence, GROWS).next.startswith("undo your changes in lag.py")


def test_readers_that_are_slower_than_the_writer_never_catch_up():
    evidence = seen(lag_run(*PHASES, done=20))
    assert reached(evidence) == {GROWS, IDLE}
    assert goal(evidence, FALLS).next.startswith("undo your changes in lag.py")


def test_a_second_run_with_changes_undoes_nothing():
    first, second = lag_run(*PHASES), lag_run((1, 2), (4, 2), since=60, first=9)
    for record in second["records"]:
        later = record.offset() + 10_000
        record.offset = lambda later=later: later
    both = {name: first[name] + second[name] for name in first}
    assert reached(seen(both)) >= BY_LAG


def test_lag_of_another_group_does_not_count():
    evidence = seen()
    other = lag_run(*PHASES)
    evidence.history = lambda group: History(other["generations"]) if group == named("slow") else History()
    assert reached(evidence) == set()


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


def test_the_six_ways_reach_their_goals_and_no_others():
    evidence = seen(batches=six_ways())
    assert reached(evidence) == BY_BATCHING
    assert goal(evidence, LINGER).why == "1000 likes in 10 batches, 86 bytes each"
    assert goal(evidence, SMALL).why.endswith("the largest has 1760 bytes")
    assert goal(evidence, ZSTD).why == "1000 likes in 10 batches, 6 bytes each"


def test_everything_twice():
    assert reached(seen(lag_run(*PHASES), six_ways() + six_ways(run=2))) == BY_LAG | BY_BATCHING


def test_batching_was_stopped_in_the_third_way():
    evidence = seen(batches=[batch for batch in six_ways() if batch.partition < 2] + batches(2, 10, 10, 900))
    assert reached(evidence) == {SINGLE, ALONE}
    assert "let it run to its end" in goal(evidence, LINGER).next


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
    assert reached(evidence) == BY_BATCHING - {not_reached}
    assert goal(evidence, not_reached).next.startswith("undo your changes in batching.py")


def test_experiments_after_the_goals_undo_nothing():
    later = six_ways(run=2, zstd=batches(5, 10, 100, 1300, "lz4", run=2), linger=batches(3, 50, 20, 1760, run=2))
    assert reached(seen(batches=six_ways() + later)) == BY_BATCHING
    assert reached(seen(batches=later + six_ways(run=3))) == BY_BATCHING


def test_a_short_run_does_not_count():
    """Somebody has written a few likes to the topic by hand."""
    evidence = seen(batches=batches(0, 10, 1, 145) + batches(3, 1, 100, 8550))
    assert reached(evidence) == set()
    assert goal(evidence, SINGLE).why == "partition 0 has no run of at least 500 likes"


def test_on_a_secured_broker_the_batches_cannot_be_read():
    evidence = seen(lag_run(*PHASES))

    def refuse(_topic):
        raise Problem("only without passwords", "python run.py")

    evidence.batches = refuse
    assert reached(evidence) == BY_LAG
    assert goal(evidence, "batches of likes").next == "python run.py"
