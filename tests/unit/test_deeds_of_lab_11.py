"""Lab 11: done by half, differently, in another order, twice. tests/labs shows that programs leave this evidence."""

from functools import partial

from labs.internals.history import Commit, History
from labs.lab_11_slow_consumer import check
from labs.topics import named
from tests.unit import deeds
from tests.unit.deeds import EACH, Record, Seen, both_tests

SLOW, PAUSED = named("slow"), named("paused")
TAKEN_OVER, REFUSED, TWICE, BACK, ACCEPTED, ONCE = (
    "quick took over the partition of slow",
    "the commit of slow was refused",
    "an event was processed twice",
    "slow came back",
    "slow worked for too long, and its commit was accepted",
    "and nobody else processed its event",
)
BOTH, ALONE, EMPTY = {"quick": (0,), "slow": (1,)}, {"quick": (0, 1)}, {}
generations = partial(deeds.generations, topic=SLOW, step=10_000, max_poll_ms=8000)


def commit(by: str, partition: int, offset: int, at_ms: int, seconds: int = 0, topic: str = SLOW) -> Commit:
    """A commit: the event before `offset` was processed."""
    return Commit(topic, partition, offset, f"by {by} after {seconds} s", at_ms)


def seen(rows=(), commits=(), events=(), topic: str = SLOW) -> Seen:
    """`events`: who processed what, as (member, partition, offset)."""
    done = [Record(f"partition {p}, offset {o}".encode(), key=by.encode()) for by, p, o in events]
    return Seen({f"{topic}-done": done}, {topic: History(list(rows), list(commits))})


def paused(rows=(BOTH, EMPTY), seconds: int = 13, max_poll_ms: int = 8000, **other) -> Seen:
    """A run with --pause, whose commit came after so many seconds; or `other` evidence."""
    commits = [commit("slow", 1, 1, 15_000, seconds, PAUSED)]
    return seen(
        generations(*rows, topic=PAUSED, max_poll_ms=max_poll_ms),
        **{"commits": commits, "events": [("slow", 1, 0)]} | other,
        topic=PAUSED,
    )


A_RUN = generations(BOTH, ALONE, BOTH, EMPTY)
ITS_COMMITS = [commit("quick", 0, 1, 11_000), commit("quick", 1, 1, 21_000)]
ITS_EVENTS = [("quick", 0, 0), ("quick", 1, 0), ("slow", 1, 0)]
BY_THE_SLOW = {TAKEN_OVER, REFUSED, TWICE, BACK}
OF_TOOLS = [Commit(PAUSED, 1, 1, by, 15_000) for by in ("", "labs reset", "by slow", "by slow after s", "from 60s")]
TO_ITS_END, UNDO = "-> …let it run to its end…", "undo your changes in slow_consumer.py…"


def after_a_run(*rows, commit: Commit, more=()) -> Seen:
    """A second run, in which slow processes another event."""
    more = [*ITS_EVENTS, *more, ("slow", 1, 2)]
    return seen([*A_RUN, *generations(*rows, run="b", since=4)], [*ITS_COMMITS, commit], more)


CASES = {
    "a whole run": (seen(A_RUN, ITS_COMMITS, ITS_EVENTS), BY_THE_SLOW),
    "with --pause": (paused(), {ACCEPTED, ONCE}),
    "nothing": (Seen(), set()),
    "twice": (
        after_a_run(BOTH, ALONE, BOTH, EMPTY, commit=commit("quick", 1, 3, 61_000), more=[("quick", 1, 2)]),
        BY_THE_SLOW,
    ),
    "stopped before the takeover": (seen(generations(BOTH, EMPTY), ITS_COMMITS[:1], ITS_EVENTS[:1]), set()),
    "stopped in two steps": (seen(generations(BOTH, ALONE, EMPTY), ITS_COMMITS[:1], ITS_EVENTS[:1]), set()),
    "stopped before the end of slow": (
        seen(A_RUN[:2] + generations(EMPTY, since=2), ITS_COMMITS, ITS_EVENTS[:2]),
        {TAKEN_OVER},
    ),
    "a second run is no return of slow": (
        seen([*A_RUN[:2], *generations(BOTH, run="b", since=2)], ITS_COMMITS, ITS_EVENTS[:2]),
        {TAKEN_OVER},
    ),
    "a second run takes nothing over": (
        seen([*generations(BOTH), *generations(ALONE, BOTH, run="b", since=1)], ITS_COMMITS, ITS_EVENTS[:2]),
        set(),
    ),
    "read too late": (seen(A_RUN, [commit("quick", 1, 1, 35_000)], ITS_EVENTS), BY_THE_SLOW - {TAKEN_OVER}),
    "WORK_SECONDS was changed": (
        seen(generations(BOTH, EMPTY), [commit("slow", 1, 1, 15_000, seconds=5)], [("slow", 1, 0), ("quick", 0, 0)]),
        set(),
    ),
    "its own Go on undoes nothing": (after_a_run(BOTH, EMPTY, commit=commit("slow", 1, 3, 58_000, 13)), BY_THE_SLOW),
    "a pause with little work repairs nothing": (paused(seconds=3), set()),
    "nor does a longer max.poll.interval.ms, with or without a pause": (paused(max_poll_ms=20_000), set()),
    "`pause` or the polls were taken out": (
        paused((BOTH, ALONE, BOTH, EMPTY), commits=[commit("quick", 1, 1, 21_000, topic=PAUSED)], events=ITS_EVENTS),
        set(),
    ),
    "a paused run that was stopped too early": (paused(commits=[], events=[]), set()),
    "an event that both have processed": (paused(events=[("slow", 1, 0), ("quick", 1, 0)]), {ACCEPTED}),
    "commits of tools are not those of slow": (paused(commits=OF_TOOLS), set()),
}
SAID = [
    ("nothing", EACH, f"-> {check.PROGRAM}…"),
    ("nothing", TAKEN_OVER, f"the group {SLOW} has had no members yet"),
    ("nothing", ACCEPTED, f"-> {check.PROGRAM} --pause…"),
    ("stopped before the takeover", TAKEN_OVER, "…both were stopped -> …let it run to its end…"),
    ("stopped in two steps", TAKEN_OVER, "…has committed nothing of the partition of slow"),
    ("stopped before the end of slow", REFUSED, "it has not finished an event yet"),
    ("stopped before the end of slow", BACK, "…the program was stopped"),
    ("WORK_SECONDS was changed", REFUSED, f"…was accepted, after 5 s… -> {UNDO}"),
    ("with --pause", ACCEPTED, "partition 1, offset 0, after 13 s, with max.poll.interval.ms of 8 s"),
    ("a pause with little work repairs nothing", ACCEPTED, f"it worked for 3 s, and max.poll… was 8 s -> {UNDO}"),
    ("`pause` or the polls were taken out", ACCEPTED, "…did not poll…"),
    ("a paused run that was stopped too early", ACCEPTED, TO_ITS_END),
    ("an event that both have processed", ONCE, "…also processed by another member"),
]
test_goals, test_words = both_tests(check, CASES, SAID)
