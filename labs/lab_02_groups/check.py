"""Lab 2: Consumer groups."""

from collections.abc import Iterator

from labs.checks import Goal
from labs.evidence import Evidence
from labs.history import Generation
from labs.topics import named
from settings import GROUP, TOPIC


def goals(seen: Evidence) -> Iterator[Goal]:
    generations = seen.history(GROUP).generations
    # Only in this order: at the start of a session, too, the consumers join one by one.
    for what, members, following in (
        ("four consumers, one of them idle", 4, "start 4   (in the terminal of run.py)"),
        ("then two consumers, three partitions", 2, "stop 4, then stop 3"),
        ("then one consumer with all three", 1, "stop 2"),
        ("then one partition each again", 3, "start 2, then start 3"),
    ):
        at = next((at for at, generation in enumerate(generations) if shares(generation, members, seen)), None)
        why = generations[at].summary(TOPIC) if at is not None else f"the group {GROUP} had no such generation"
        yield Goal(what, at is not None, why, following)
        generations = generations[at + 1 :] if at is not None else []

    group = named("second")
    following = "python run.py labs/lab_02_groups/second_group.py"
    history = seen.history(group)
    ends = seen.ends(TOPIC)
    committed = {partition: max(c.offset for c in commits) for partition, commits in history.commits_of(TOPIC).items()}
    # Events written later do not count: it read what was there when it ran.
    read = bool(committed) and all(partition in committed for partition, end in ends.items() if end)
    why = f"{group} has committed {sum(committed.values())} of {sum(ends.values())} offsets"
    yield Goal("a second group has read the whole topic", read, why, following)
    times = sum(bool(generation.members) for generation in history.generations)
    why = f"{group} ran {times} times" if times else f"there is no group {group}"
    yield Goal("it ran again and resumed at its offsets", read and times > 1, why, following)


def shares(generation: Generation, members: int, seen: Evidence) -> bool:
    """Whether this many members share all partitions of `likes`, and no more of them are idle than necessary."""
    owners = generation.owners(TOPIC)
    partitions = seen.partitions(TOPIC)
    busy = len(set(owners.values()))
    return len(generation.members) == members and len(owners) == partitions and busy == min(members, partitions)
