"""Lab 6: Offsets and replay."""

import re
from collections.abc import Iterator
from itertools import groupby, pairwise

from labs.checks import Goal, Leaves
from labs.evidence import Evidence
from labs.internals.history import Commit
from labs.topics import named
from settings import TOPIC

AT_FIRST = 4  # likes
REPLAY = "python run.py labs/lab_06_offsets/replay.py"
TOLERANCE_MS = 2000  # between the consumer's request and its commit
LEAVES = Leaves(groups=(named("replay"), named("late")))


def goals(seen: Evidence) -> Iterator[Goal]:
    group = named("replay")
    history = seen.history(group)
    program = f"{REPLAY} --group {group}"
    commits = [commit for commit in history.commits if commit.topic == TOPIC]
    yield _in_two_parts(commits, f"like 9, then {program} --max {AT_FIRST}, then without --max")
    yield _to_the_beginning(commits, group)
    jumps = [commit for commit in commits if re.fullmatch(r"from \d+", commit.metadata)]
    why = f"{jumps[-1].metadata}: {summary(jumps)}" if jumps else f"{group} was never moved to an offset"
    moved = any(f"from {commit.offset}" == commit.metadata for commit in jumps)
    yield Goal("back to an offset", moved, why, f"{program} --from 2")
    yield _to_a_time(seen, commits, f"{program} --from 60s")
    yield _from_the_end(seen)


def summary(commits: list[Commit]) -> str:
    """`partition 0 offset 2, partition 1 offset 2`: the last commit for each partition."""
    last = {commit.partition: commit.offset for commit in commits}
    return ", ".join(f"partition {partition} offset {offset}" for partition, offset in sorted(last.items()))


def _in_two_parts(commits: list[Commit], following: str) -> Goal:
    """One run read four likes, and a later one more."""
    what = "four likes, then the rest"
    read: list[int] = []  # by each run
    committed: dict[int, int] = {}
    for _, request in groupby(commits, lambda commit: commit.at_ms):  # the offsets of one request have the same time
        likes = 0
        for commit in request:
            if not re.match("from |reset ", commit.metadata):  # otherwise it was only moved
                likes += max(0, commit.offset - committed.get(commit.partition, 0))
            committed[commit.partition] = commit.offset
        read += [likes] if likes else []
    reached = AT_FIRST in read[:-1]
    why = f"its runs have read {' + '.join(map(str, read))} likes" if read else "nothing read yet"
    return Goal(what, reached, why, following)


def _to_the_beginning(commits: list[Commit], group: str) -> Goal:
    what = "back to the beginning"
    back = set()
    for partition in {commit.partition for commit in commits}:
        own = [commit for commit in commits if commit.partition == partition]
        # Not those of a run, which also starts at 0 in a recreated topic.
        moves = ((one, to) for one, to in pairwise(own) if not to.is_read and not to.metadata.startswith("reset "))
        back |= {partition for one, to in moves if one.offset > 0 == to.offset}
    partitions = ", ".join(map(str, sorted(back)))
    why = f"the committed offset went back to 0 (partitions {partitions})" if back else "no offset went back to 0"
    tool = "python run.py kafka-consumer-groups --reset-offsets"
    return Goal(what, bool(back), why, f"{tool} --group {group} --topic {TOPIC} --to-earliest --execute")


def _to_a_time(seen: Evidence, commits: list[Commit], following: str) -> Goal:
    """Each partition was moved to the first event that is not older, and there was one to read."""
    what, why = "back to a time", "the group was never moved to a time"
    jumps = [commit for commit in commits if re.fullmatch(r"from \d+s", commit.metadata)]
    times = {(record.partition(), record.offset()): record.timestamp()[1] for record in seen.records(TOPIC)}
    for at_ms, request in groupby(jumps, lambda jump: jump.at_ms):
        moved = list(request)
        wrong = next((jump for jump in moved if not _is_first_since(jump, times)), None)
        if wrong:
            why = f"partition {wrong.partition} was moved to an older event"
        elif any(times.get((jump.partition, jump.offset), at_ms + 1) <= at_ms for jump in moved):
            return Goal(what, True, f"{moved[0].metadata}: {summary(moved)}")
        else:
            why = f"{moved[0].metadata}: nothing was written in that time, so there was nothing to read again"
    return Goal(what, False, why, f"like 3, then {following}")


def _is_first_since(jump: Commit, times: dict[tuple[int, int], int]) -> bool:
    """True if the event before this offset is older than the time, and the one at it is not."""
    since = jump.at_ms - 1000 * int(jump.metadata[len("from ") : -1])
    before, at = (times.get((jump.partition, jump.offset - back)) for back in (1, 0))
    return (before or 0) <= since and (at is None or at >= since - TOLERANCE_MS)


def _from_the_end(seen: Evidence) -> Goal:
    what = "a group that started at the end"
    group = named("late")
    program = f"{REPLAY} --group {group} --reset latest"
    commits = seen.history(group).commits_of(TOPIC)
    if not commits:
        return Goal(what, False, f"there is no group {group}", f"{program}   (then like 3, then again)")
    passed = read = 0
    for offsets in commits.values():
        at = next((at for at, commit in enumerate(offsets) if commit.metadata == "reset latest"), None)
        if at is not None:
            passed += offsets[at].offset
            read += max(commit.offset for commit in offsets[at:]) - offsets[at].offset
    if not passed:
        why = f"{group} did not start at the end: without --reset latest, or in an empty topic"
        delete = f"python run.py kafka-consumer-groups --delete --group {group}"
        return Goal(what, False, why, f"{delete}, then {program}, then like 3, then again")
    why = f"it started after {passed} likes, and has read {read} that came later"
    return Goal(what, read > 0, why, f"like 3, then {program}")
