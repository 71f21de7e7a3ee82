"""Lab 2: Consumer groups."""

from collections.abc import Iterator
from itertools import groupby, pairwise

from labs.checks import Goal, Leaves
from labs.evidence import Evidence
from labs.internals.history import Generation
from labs.topics import named
from settings import GROUP, TOPIC

LEAVES = Leaves(groups=(named("second"),))


def goals(seen: Evidence) -> Iterator[Goal]:
    found = by_members(seen)
    for what, members, following in (
        ("four consumers, one of them idle", 4, "start 4   (in the terminal of run.py)"),
        ("then two consumers, three partitions", 2, "stop 4, then stop 3   (of four; of three, stop 3)"),
        ("then one consumer with all three", 1, "stop 3, then stop 2"),
        ("then one partition each again", 3, "start 2, then start 3   (after there was one alone)"),
    ):
        generation = found.get(members)
        why = generation.summary(TOPIC) if generation else f"the group {GROUP} had no such generation"
        yield Goal(what, generation is not None, why, following)
    yield from _second_group(seen)


def by_members(seen: Evidence) -> dict[int, Generation]:
    """Number of members -> a generation in which they shared `likes` because the learner changed it. Consumers also
    join one by one at the start of a session, so two or one only count after there were more, and three only after one
    was alone."""
    found: dict[int, Generation] = {}
    changes = [list(same) for _, same in groupby(seen.history(GROUP).generations, Generation.clients)]
    alone = False
    for before, now in pairwise([[], *changes]):
        fewer = bool(before) and set(now[0].clients()) < set(before[-1].clients())
        for generation in now:
            counts = {4: True, 2: fewer, 1: fewer, 3: alone}
            members = len(generation.members)
            if counts.get(members) and shares(generation, members, seen):
                found.setdefault(members, generation)
                alone = alone or members == 1
        alone = alone and bool(now[0].members)  # all have left: what follows is a start
    return found


def _second_group(seen: Evidence) -> Iterator[Goal]:
    group = named("second")
    following = "python run.py labs/lab_02_groups/second_group.py"
    history = seen.history(group)
    ends = seen.ends(TOPIC)
    committed = {partition: max(c.offset for c in commits) for partition, commits in history.commits_of(TOPIC).items()}
    # Events written later do not count: it read what was there when it ran.
    read = bool(committed) and all(partition in committed for partition, end in ends.items() if end)
    why = f"{group} has committed {sum(committed.values())} of {sum(ends.values())} offsets"
    first = following if any(ends.values()) else f"like 3   (in the terminal of run.py), then {following}"
    yield Goal("a second group has read the whole topic", read, why, first)
    # Before its first commit there was nothing at which it could resume.
    since = min((commits[0].at_ms for commits in history.commits_of(TOPIC).values()), default=None)
    runs = [generation for generation in history.generations if generation.members]
    again = sum(since is not None and generation.at_ms > since for generation in runs)
    why = f"{group} ran {len(runs)} times, {again} of them after its first commit"
    why = why if runs else f"there is no group {group}"
    yield Goal("it ran again and resumed at its offsets", read and again > 0, why, first)


def shares(generation: Generation, members: int, seen: Evidence) -> bool:
    """True if this many members share all partitions of `likes`, and no more of them are idle than necessary."""
    owners = generation.owners(TOPIC)
    partitions = seen.partitions(TOPIC)
    busy = len(set(owners.values()))
    return len(generation.members) == members and len(owners) == partitions and busy == min(members, partitions)
