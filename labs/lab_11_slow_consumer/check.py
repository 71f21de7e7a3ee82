"""Lab 11: The slow consumer."""

import re
from collections.abc import Iterator
from itertools import pairwise

from labs.checks import Goal, Leaves
from labs.evidence import Evidence
from labs.internals.history import Commit, Generation, History
from labs.topics import named

PROGRAM = "python run.py labs/lab_11_slow_consumer/slow_consumer.py"
BOTH = ["quick", "slow"]
TO_ITS_END = "let it run to its end"
UNCHANGED = "undo your changes in slow_consumer.py, then "
WAYS = tuple(map(named, ("slow", "both", "paused")))
LEAVES = Leaves((*WAYS, *(f"{topic}-done" for topic in WAYS)), WAYS)


def goals(seen: Evidence) -> Iterator[Goal]:
    topic = named("slow")
    history, done = seen.history(topic), _done(seen, topic)
    yield _taken_over(history, topic)
    yield _refused(history, topic, done)
    yield _done_twice(done)
    yield _came_back(history, topic)
    yield from _repaired(seen, named("paused"))


def _done(seen: Evidence, topic: str) -> dict[str, set[str]]:
    """An event, as `partition 1, offset 0` -> the members that processed it."""
    found: dict[str, set[str]] = {}
    for record in seen.records(f"{topic}-done"):
        position, by = ((text or b"").decode(errors="replace") for text in (record.value(), record.key()))
        found.setdefault(position, set()).add(by)
    return found


def _committed_by(name: str, history: History, topic: str) -> dict[str, tuple[Commit, int]]:
    """An event -> its commit, and how many seconds the member worked on it."""
    found = {}
    for commit in history.commits:
        label = re.fullmatch(rf"by {name} after (\d+) s", commit.metadata)
        if label and commit.topic == topic:
            found[f"partition {commit.partition}, offset {commit.offset - 1}"] = (commit, int(label[1]))
    return found


def _alone(history: History) -> Iterator[tuple[Generation, Generation, Generation | None]]:
    """Both members, then only the same `quick`, and what followed. Kafka gives a member an id when it joins: if `quick`
    has another one, it is a new run."""
    numbered = history.generations
    for number, (both, alone) in enumerate(pairwise(numbered)):
        if both.clients() == BOTH and alone.clients() == ["quick"] and _quick(both) == _quick(alone):
            yield both, alone, numbered[number + 2] if number + 2 < len(numbered) else None


def _quick(generation: Generation) -> str:
    return next((member.member_id for member in generation.members if member.client_id == "quick"), "")


def _taken_over(history: History, topic: str) -> Goal:
    what = "quick took over the partition of slow"
    missing = _why_not(history)
    for both, alone, following in _alone(history):
        slows = {partition for partition, owner in both.owners(topic).items() if owner == "slow"}
        until = following.at_ms if following else float("inf")
        for position, (commit, _) in _committed_by("quick", history, topic).items():
            if commit.partition in slows and alone.at_ms <= commit.at_ms <= until:
                return Goal(what, True, f"{alone.summary(topic)}; quick has committed {position}")
        missing = f"quick was alone in generation {alone.number}, but has committed nothing of the partition of slow"
    return Goal(what, False, missing, f"{PROGRAM}   ({TO_ITS_END})")


def _why_not(history: History) -> str:
    if not history.generations:
        return f"the group {named('slow')} has had no members yet"
    if not any(one.clients() == BOTH for one in history.generations):
        return "quick and slow were never in the group together"
    return "quick was never alone after both were in the group: slow was back in time, or both were stopped"


def _refused(history: History, topic: str, done: dict[str, set[str]]) -> Goal:
    what = "the commit of slow was refused"
    committed = _committed_by("slow", history, topic)
    finished = [position for position, by in done.items() if "slow" in by]
    refused = [position for position in finished if position not in committed]
    if refused and any(_alone(history)):
        return Goal(what, True, f"it processed {refused[0]}, and there is no commit by it")
    if committed:
        position, (_, seconds) = next(iter(committed.items()))
        missing = f"its commit for {position} was accepted, after {seconds} s of work"
        return Goal(what, False, missing, f"{UNCHANGED}{PROGRAM}")
    return Goal(what, False, "it has not finished an event yet", f"{PROGRAM}   ({TO_ITS_END})")


def _done_twice(done: dict[str, set[str]]) -> Goal:
    what = "an event was processed twice"
    if twice := [position for position, by in done.items() if by >= set(BOTH)]:
        return Goal(what, True, f"{twice[0]}, by quick and by slow")
    missing = f"{len(done)} events were processed, once each" if done else "no event has been processed yet"
    return Goal(what, False, missing, f"{PROGRAM}   ({TO_ITS_END})")


def _came_back(history: History, topic: str) -> Goal:
    what = "slow came back"
    missing = "it was never away while quick stayed"
    for _, alone, following in _alone(history):
        if following and following.clients() == BOTH and _quick(following) == _quick(alone):
            return Goal(what, True, following.summary(topic))
        missing = f"after generation {alone.number}, without it, the program was stopped"
    return Goal(what, False, missing, f"{PROGRAM}   ({TO_ITS_END})")


def _allowed(history: History, commit: Commit) -> float:
    """The seconds that slow may take between two polls, in the generation of its commit."""
    before = [generation for generation in history.generations if generation.at_ms <= commit.at_ms]
    members = before[-1].members if before else ()
    return max((member.max_poll_ms for member in members if member.client_id == "slow"), default=0) / 1000


def _repaired(seen: Evidence, topic: str) -> Iterator[Goal]:
    following = f"{PROGRAM} --pause"
    history, done = seen.history(topic), _done(seen, topic)
    committed = _committed_by("slow", history, topic)
    long = [position for position, (commit, took) in committed.items() if took > _allowed(history, commit)]
    accepted, once = "slow worked for too long, and its commit was accepted", "and nobody else processed its event"
    if long:
        commit, took = committed[long[0]]
        why = f"{long[0]}, after {took} s, with max.poll.interval.ms of {_allowed(history, commit):.0f} s"
        yield Goal(accepted, True, why)
    elif committed:
        commit, took = next(iter(committed.values()))
        why = f"it worked for {took} s, and max.poll.interval.ms was {_allowed(history, commit):.0f} s"
        yield Goal(accepted, False, why, f"{UNCHANGED}{following}")
    elif any("slow" in by for by in done.values()):
        yield Goal(accepted, False, "it was refused: slow did not poll while it worked", f"{UNCHANGED}{following}")
    else:
        why = f"slow has not finished an event of {topic} yet"
        yield Goal(accepted, False, why, f"{following}   ({TO_ITS_END})")
    alone = [position for position in long if done.get(position) == {"slow"}]
    missing = f"{long[0]} was also processed by another member" if long else "there is no such event yet"
    yield Goal(once, bool(alone), alone[0] if alone else missing, f"{following}   ({TO_ITS_END})")
