"""Lab 13: Exactly once: a crash in a transaction. And lab 18, on the same topics."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timezone

from confluent_kafka import Message

from labs.checks import Goal, Leaves
from labs.evidence import Evidence
from labs.lab_13_exactly_once.write_likes import LIKES
from labs.topics import named
from plumbing.like import parse_like

FOLDER = "python run.py labs/lab_13_exactly_once"
WRITE, COUNT = f"{FOLDER}/write_likes.py", f"{FOLDER}/likes_per_minute.py"
KILL = f"{COUNT} --kill"
WINDOW_MS, GRACE_MS = 60_000, 10_000  # as on the page, whatever likes_per_minute.py has now
LATE = "python run.py labs/lab_18_event_time/late_likes.py"
SOME_LATE, EQUAL, NONE_LOST = OF_LAB_18 = (
    "there are likes, and some come too late",
    "the counts are those of the source",
    "no like that came too late is lost",
)
UNCHANGED = "undo your changes, python run.py labs reset 13, and begin the lab again"
LEAVES = Leaves(tuple(map(named, ("timed-likes", "likes-per-minute", "likes-too-late"))), (named("per-minute"),))


def goals(seen: Evidence) -> Iterator[Goal]:
    return (goal for goal in of_both_labs(seen) if goal.what not in (SOME_LATE, NONE_LOST))


def of_both_labs(seen: Evidence) -> Iterator[Goal]:
    source, counts = named("timed-likes"), named("likes-per-minute")
    likes = [record for record in seen.records(source) if record.partition() == 0]
    likes.sort(key=lambda record: record.offset())
    up_to = _up_to(seen, source)
    everything = seen.records(counts)  # before the committed ones: what is committed meanwhile was not aborted
    readable = seen.records(counts, "read_committed")
    late_found = seen.records(named("likes-too-late"), "read_committed")
    aborted = {record.offset() for record in everything} - {record.offset() for record in readable}
    committed = _counts(readable)

    yield _likes(likes)
    yield _killed(aborted, len(everything), bool(likes), up_to)
    yield _goes_on(aborted, committed)
    if up_to != _up_to(seen, source):
        for what in (EQUAL, NONE_LOST):
            yield Goal(what, False, "the processor is counting now", "check again when it is done")
        return
    expected, late = counted([like for like in likes if like.offset() < up_to])
    todo = sum(like.offset() >= up_to for like in likes)
    yield _equal(expected, {window: likes for _, window, likes in committed}, up_to, todo)
    yield _late(late, late_found, up_to, todo)


def _up_to(seen: Evidence, source: str) -> int:
    return seen.committed_for_good(named("per-minute"), source).get(0, 0)


def counted(records: list[Message]) -> tuple[dict[str, int], Counter]:
    """From the source, in log order: a window, such as `ann 2025-12-20 10:00` -> its likes; and the likes that come too
    late, as (key, value)."""
    counts: Counter = Counter()
    late: Counter = Counter()
    clock = 0
    for record in records:
        try:
            clicked = parse_like(record.value())["ts_ms"]
            start = clicked - clicked % WINDOW_MS
            minute = f"{datetime.fromtimestamp(start // 1000, timezone.utc):%Y-%m-%d %H:%M}"
        except (ValueError, OverflowError, OSError):
            continue
        if start + WINDOW_MS + GRACE_MS <= clock:
            late[record.key(), record.value()] += 1
        else:
            clock = max(clock, clicked)
            counts[f"{(record.key() or b'nobody').decode(errors='replace')} {minute}"] += 1
    return dict(counts), late


def _counts(records: list[Message]) -> list[tuple[int, str, int]]:
    """(Offset, window, likes) in log order, without other records."""
    found = []
    for record in records:
        try:
            found.append((record.offset(), record.key().decode(), int(json.loads(record.value())["likes"])))
        except (AttributeError, ValueError, TypeError, KeyError, RecursionError):
            continue
    return sorted(found)


def _likes(likes: list[Message]) -> Goal:
    late = counted(likes)[1].total()
    why = f"{len(likes)} likes, {late} of them after their minute was closed" if likes else "no likes yet"
    return Goal(SOME_LATE, late > 0, why, LATE)


def _killed(aborted: set[int], written: int, likes: bool, up_to: int) -> Goal:
    what = "the processor was killed in the middle of a transaction"
    if aborted:
        offsets = f"offsets {min(aborted)} to {max(aborted)}" if len(aborted) > 1 else f"offset {min(aborted)}"
        return Goal(what, True, f"{len(aborted)} of {written} counts were never committed, {offsets}")
    if not likes:
        return Goal(what, False, "it has counted nothing yet", f"{WRITE}, then {KILL}")
    why = f"all of its {written} counts are committed" if written else "it has counted nothing yet"
    return Goal(what, False, why, f"{WRITE}, then {KILL}" if up_to else KILL)


def _goes_on(aborted: set[int], committed: list[tuple[int, str, int]]) -> Goal:
    """The state was restored: a window with a count before the kill has a larger one after it."""
    what = "its successor knew the counts"
    why, following = ("nobody has continued after a kill", COUNT) if aborted else ("it was never killed", KILL)
    for lost in sorted(aborted):
        before = {window: likes for offset, window, likes in committed if offset < lost}
        after = [(window, likes) for offset, window, likes in committed if offset > lost]
        both = [(window, before[window], likes) for window, likes in after if window in before]
        for window, old, new in both:
            if new > old:
                return Goal(what, True, f"{window} had {old} likes before the kill, and {new} after it")
        if both:
            window, old, new = both[0]
            why, following = f"{window} had {old} likes before the kill, and {new} after it", UNCHANGED
        elif after:
            why, following = "no minute was counted both before and after a kill", f"{WRITE}, {KILL}, then {COUNT}"
    return Goal(what, False, why, following)


def _equal(expected: dict[str, int], found: dict[str, int], up_to: int, todo: int) -> Goal:
    for window in sorted(expected.keys() | found.keys(), key=lambda window: (window.split(" ")[1:], window)):
        right, wrong = expected.get(window, 0), found.get(window, 0)
        if right != wrong:
            why = f"{window} is {wrong} in the counts, and {right} in the source"
            return Goal(EQUAL, False, why, UNCHANGED)
    if up_to < LIKES or not expected:  # those of a later run may still be uncounted
        return Goal(EQUAL, False, _unfinished(up_to, todo), COUNT if todo else WRITE)
    return Goal(EQUAL, True, f"{len(expected)} counts, {sum(expected.values())} likes, each counted once{_more(todo)}")


def _more(todo: int) -> str:
    return f"; {todo} more are not counted yet" if todo else ""


def _late(expected: Counter, records: list[Message], up_to: int, todo: int) -> Goal:
    found = Counter((record.key(), record.value()) for record in records)
    if wrong := sorted((expected - found) | (found - expected), key=str):
        key, value = wrong[0]
        like = f"{(key or b'nobody').decode(errors='replace')}'s like {(value or b'').decode(errors='replace')}"
        is_there = f"is {found[wrong[0]]} times in {named('likes-too-late')}"
        why = f"{like} {is_there}, and {expected[wrong[0]]} times too late in the source"
        return Goal(NONE_LOST, False, why, UNCHANGED)
    if up_to < LIKES or not expected:
        why = f"{todo} likes are not read yet" if todo else "none came too late"
        return Goal(NONE_LOST, False, why, COUNT if todo else LATE)
    return Goal(NONE_LOST, True, f"{expected.total()} are in {named('likes-too-late')}, each once")


def _unfinished(up_to: int, todo: int) -> str:
    if not todo:
        return "there is nothing to count yet"
    why = f"{todo} likes are not counted yet"
    return f"right up to offset {up_to}; {why}" if up_to else why
