"""Lab 6: Offsets and replay."""

import re
from collections.abc import Iterator
from itertools import pairwise

from labs.checks import Goal
from labs.evidence import Evidence
from labs.history import Commit
from labs.topics import named
from settings import TOPIC

AT_FIRST = 4  # likes
REPLAY = "python run.py labs/lab_06_offsets/replay.py"
TOLERANCE_MS = 2000  # between the consumer's request and its commit


def goals(seen: Evidence) -> Iterator[Goal]:
    group = named("replay")
    history = seen.history(group)
    program = f"{REPLAY} --group {group}"
    commits = [commit for commit in history.commits if commit.topic == TOPIC]
    yield _in_two_parts(commits, f"{program} --max {AT_FIRST}, then without --max")
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
    """The sum over the partitions was four, and later more."""
    what = "four likes, then the rest"
    committed: dict[int, int] = {}
    sums: dict[int, int] = {}  # time -> sum; the offsets of one request have the same time
    for commit in commits:
        committed[commit.partition] = commit.offset
        sums[commit.at_ms] = sum(committed.values())
    reached = AT_FIRST in sums.values() and max(sums.values()) > AT_FIRST
    why = f"first committed {next(iter(sums.values()))}, at most {max(sums.values())}" if sums else "no commit yet"
    return Goal(what, reached, why, following)


def _to_the_beginning(commits: list[Commit], group: str) -> Goal:
    what = "back to the beginning"
    back = set()
    for partition in {commit.partition for commit in commits}:
        offsets = [commit.offset for commit in commits if commit.partition == partition]
        back |= {partition for one, other in pairwise(offsets) if one > 0 == other}
    partitions = ", ".join(map(str, sorted(back)))
    why = f"the committed offset went back to 0 (partitions {partitions})" if back else "no offset went back to 0"
    tool = "python run.py kafka-consumer-groups --reset-offsets"
    return Goal(what, bool(back), why, f"{tool} --group {group} --topic {TOPIC} --to-earliest --execute")


def _to_a_time(seen: Evidence, commits: list[Commit], following: str) -> Goal:
    """Each partition was moved to the first event that is not older."""
    what = "back to a time"
    jumps = [commit for commit in commits if re.fullmatch(r"from \d+s", commit.metadata)]
    if not jumps:
        return Goal(what, False, "the group was never moved to a time", following)
    times = {(record.partition(), record.offset()): record.timestamp()[1] for record in seen.records(TOPIC)}
    for jump in jumps:
        since = jump.at_ms - 1000 * int(jump.metadata[len("from ") : -1])
        before, at = (times.get((jump.partition, jump.offset - back)) for back in (1, 0))
        if (before or 0) > since or (at is not None and at < since - TOLERANCE_MS):
            return Goal(what, False, f"partition {jump.partition} was moved to an older event", following)
    return Goal(what, True, f"{jumps[-1].metadata}: {summary(jumps[-seen.partitions(TOPIC) :])}", following)


def _from_the_end(seen: Evidence) -> Goal:
    what = "a group that started at the end"
    group = named("late")
    following = f"{REPLAY} --group {group} --reset latest   (then like 3, then again)"
    commits = seen.history(group).commits_of(TOPIC)
    if not commits:
        return Goal(what, False, f"there is no group {group}", following)
    first = {partition: offsets[0].offset for partition, offsets in commits.items()}
    read = sum(offsets[-1].offset - offsets[0].offset for offsets in commits.values())
    why = f"it started after {sum(first.values())} likes, and has read {read} that came later"
    return Goal(what, read > 0, why, following)
