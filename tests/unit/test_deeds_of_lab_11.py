"""Lab 11: done by half, differently, in another order, twice. tests/labs shows that its program leaves the evidence
recorded here."""

import pytest

from labs.internals.history import Commit, Generation, History, Member
from labs.lab_11_slow_consumer import check
from labs.topics import named
from tests.unit.test_lab_deeds import Record, Seen

SLOW, PAUSED = named("slow"), named("paused")
TAKEN_OVER, REFUSED, TWICE, BACK, ACCEPTED, ONCE = (
    "quick took over the partition of slow",
    "the commit of slow was refused",
    "an event was processed twice",
    "slow came back",
    "with pause and resume, the commit of slow was accepted",
    "and nobody else processed its event",
)
BOTH, ALONE, EMPTY = {"quick": (0,), "slow": (1,)}, {"quick": (0, 1)}, {}


def generations(*rows: dict[str, tuple], run: str = "a", topic: str = SLOW, since: int = 0) -> list[Generation]:
    """Consecutive generations, ten seconds each, of one run of the program."""

    def members(row: dict[str, tuple]) -> tuple[Member, ...]:
        owned = {name: frozenset((topic, partition) for partition in mine) for name, mine in row.items()}
        return tuple(Member(f"{name}-{run}", name, None, partitions) for name, partitions in owned.items())

    return [Generation(since + n, 10_000 * (since + n), "range", members(row)) for n, row in enumerate(rows, 1)]


def commit(by: str, partition: int, offset: int, at_ms: int, seconds: int = 0, topic: str = SLOW) -> Commit:
    """A commit: the event before `offset` was processed."""
    return Commit(topic, partition, offset, f"by {by} after {seconds} s", at_ms)


def done(*by_and_place: tuple[str, int, int]) -> list[Record]:
    return [Record(f"partition {p}, offset {o}".encode(), key=by.encode()) for by, p, o in by_and_place]


def seen(rows=(), commits=(), events=(), topic: str = SLOW) -> Seen:
    return Seen({f"{topic}-done": done(*events)}, {topic: History(list(rows), list(commits))})


def reached(evidence: Seen) -> set[str]:
    return {goal.what for goal in check.goals(evidence) if goal.reached}


def goal(evidence: Seen, what: str):
    return next(one for one in check.goals(evidence) if one.what == what)


A_RUN = generations(BOTH, ALONE, BOTH, EMPTY)
ITS_COMMITS = [commit("quick", 0, 1, 11_000), commit("quick", 1, 1, 21_000)]
ITS_EVENTS = [("quick", 0, 0), ("quick", 1, 0), ("slow", 1, 0)]
BY_THE_SLOW = {TAKEN_OVER, REFUSED, TWICE, BACK}
A_PAUSED_RUN = {
    "rows": generations(BOTH, EMPTY, topic=PAUSED),
    "commits": [commit("slow", 1, 1, 15_000, seconds=13, topic=PAUSED)],
    "events": [("slow", 1, 0)],
    "topic": PAUSED,
}


def test_a_whole_run_reaches_its_goals_and_no_others():
    assert reached(seen(A_RUN, ITS_COMMITS, ITS_EVENTS)) == BY_THE_SLOW
    assert reached(seen(**A_PAUSED_RUN)) == {ACCEPTED, ONCE}


def test_nothing_done_gives_the_command_for_each_goal():
    for one in check.goals(Seen()):
        assert not one.reached
        assert one.next.startswith(check.PROGRAM)
    assert goal(Seen(), TAKEN_OVER).why == f"the group {SLOW} has had no members yet"
    assert goal(Seen(), ACCEPTED).next.startswith(f"{check.PROGRAM} --pause")


def test_it_may_run_twice_and_in_another_order():
    twice = [*A_RUN, *generations(BOTH, ALONE, BOTH, EMPTY, run="b", since=4)]
    more = [*ITS_COMMITS, commit("quick", 1, 3, 61_000)]
    assert reached(seen(twice, more, [*ITS_EVENTS, ("quick", 1, 2), ("slow", 1, 2)])) == BY_THE_SLOW


def test_stopped_before_the_takeover():
    evidence = seen(generations(BOTH, EMPTY), [commit("quick", 0, 1, 11_000)], [("quick", 0, 0)])
    assert reached(evidence) == set()
    assert "both were stopped" in goal(evidence, TAKEN_OVER).why
    assert "let it run to its end" in goal(evidence, TAKEN_OVER).next


def test_stopping_in_two_steps_is_not_a_takeover():
    """`quick` was alone for a moment while both left: it got the partition, and did nothing with it."""
    evidence = seen(generations(BOTH, ALONE, EMPTY), [commit("quick", 0, 1, 11_000)], [("quick", 0, 0)])
    assert reached(evidence) == set()
    assert "has committed nothing of the partition of slow" in goal(evidence, TAKEN_OVER).why


def test_stopped_between_the_takeover_and_the_end_of_slow():
    evidence = seen(A_RUN[:2] + generations(EMPTY, since=2), ITS_COMMITS, ITS_EVENTS[:2])
    assert reached(evidence) == {TAKEN_OVER}
    assert goal(evidence, REFUSED).why == "it has not finished an event yet"
    assert "the program was stopped" in goal(evidence, BACK).why


def test_a_second_run_is_not_the_return_of_slow():
    """The first run was stopped while slow was away; in the second one, quick is another member."""
    evidence = seen([*A_RUN[:2], *generations(BOTH, run="b", since=2)], ITS_COMMITS, ITS_EVENTS[:2])
    assert BACK not in reached(evidence)
    started = seen([*generations(BOTH), *generations(ALONE, BOTH, run="b", since=1)], ITS_COMMITS, ITS_EVENTS[:2])
    assert reached(started) == set(), "quick, the first of the second run, took nothing over"


def test_quick_reads_the_partition_of_slow_only_after_its_return():
    late = [commit("quick", 1, 1, 35_000)]
    assert TAKEN_OVER not in reached(seen(A_RUN, late, ITS_EVENTS))


def test_a_slow_that_is_back_in_time_is_told_to_undo_its_changes():
    """WORK_SECONDS or MAX_POLL_INTERVAL_MS was changed first."""
    rows, events = generations(BOTH, EMPTY), [("slow", 1, 0), ("quick", 0, 0)]
    evidence = seen(rows, [commit("slow", 1, 1, 15_000, seconds=5)], events)
    assert reached(evidence) == set()
    refused = goal(evidence, REFUSED)
    assert "was accepted, after 5 s" in refused.why
    assert refused.next.startswith("undo your changes in slow_consumer.py")


def test_its_own_go_on_undoes_nothing():
    later = generations(BOTH, EMPTY, run="b", since=4)
    commits = [*ITS_COMMITS, commit("slow", 1, 3, 58_000, seconds=13)]
    assert reached(seen([*A_RUN, *later], commits, [*ITS_EVENTS, ("slow", 1, 2)])) == BY_THE_SLOW


def test_a_pause_with_little_work_repairs_nothing():
    evidence = seen(**A_PAUSED_RUN | {"commits": [commit("slow", 1, 1, 12_000, seconds=3, topic=PAUSED)]})
    assert reached(evidence) == set()
    assert goal(evidence, ACCEPTED).next.startswith("undo your changes")


def test_without_a_pause_in_the_program_its_commit_is_refused():
    """The learner took `pause` or the polls out of the program."""
    rows = generations(BOTH, ALONE, BOTH, EMPTY, topic=PAUSED)
    evidence = seen(rows, [commit("quick", 1, 1, 21_000, topic=PAUSED)], ITS_EVENTS, topic=PAUSED)
    assert reached(evidence) == set()
    assert "did not poll" in goal(evidence, ACCEPTED).why


def test_a_paused_run_that_was_stopped_too_early():
    evidence = seen(**A_PAUSED_RUN | {"commits": [], "events": []})
    assert reached(evidence) == set()
    assert "let it run to its end" in goal(evidence, ACCEPTED).next


def test_an_event_processed_by_both_does_not_count_as_processed_once():
    evidence = seen(**A_PAUSED_RUN | {"events": [("slow", 1, 0), ("quick", 1, 0)]})
    assert reached(evidence) == {ACCEPTED}
    assert "also processed by another member" in goal(evidence, ONCE).why


@pytest.mark.parametrize("metadata", ["", "labs reset", "by slow", "by slow after s", "from 60s"])
def test_a_commit_of_a_tool_is_not_one_of_slow(metadata):
    evidence = seen(**A_PAUSED_RUN | {"commits": [Commit(PAUSED, 1, 1, metadata, 15_000)]})
    assert reached(evidence) == set()
