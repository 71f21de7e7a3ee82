"""Lab 2: Consumer groups."""

from collections.abc import Iterator

from labs.checks import Goal
from labs.evidence import Evidence
from labs.history import Generation
from labs.topics import named
from settings import GROUP, TOPIC


def goals(seen: Evidence) -> Iterator[Goal]:
    generations = seen.history(GROUP).generations
    # In this order: when a session starts, its consumers come one by one, too.
    for what, members, following in (
        ("four consumers, one of them idle", 4, "start 4   (in the terminal of run.py)"),
        ("then two consumers, three partitions", 2, "stop 4, then stop 3"),
        ("then one consumer with all of them", 1, "stop 2"),
        ("and a partition each again", 3, "start 2, then start 3"),
    ):
        at = next((at for at, generation in enumerate(generations) if shares(generation, members, seen)), None)
        why = told(generations[at]) if at is not None else f"no generation of the group {GROUP} was like this"
        yield Goal(what, at is not None, why, following)
        generations = generations[at + 1 :] if at is not None else []

    group = named("second")
    history = seen.history(group)
    ends = seen.ends(TOPIC)
    committed = {partition: max(c.offset for c in commits) for partition, commits in history.commits_of(TOPIC).items()}
    # What was written since is not missing: the first time it has read what was there then.
    read = bool(committed) and all(partition in committed for partition, end in ends.items() if end)
    why = f"{group} has committed {sum(committed.values())} of {sum(ends.values())} offsets"
    yield Goal("a second group has read the whole topic", read, why, "python run.py labs/lab_02_groups/second_group.py")
    times = sum(bool(generation.members) for generation in history.generations)
    why = f"{group} has met {times} times" if times else f"there is no group {group}"
    yield Goal(
        "it came again and went on where it was",
        read and times > 1,
        why,
        "python run.py labs/lab_02_groups/second_group.py",
    )


def shares(generation: Generation, members: int, seen: Evidence) -> bool:
    """True when so many members own all partitions of `likes`, and no more of them are idle than there must be."""
    owners = generation.owners(TOPIC)
    partitions = seen.partitions(TOPIC)
    busy = len(set(owners.values()))
    return len(generation.members) == members and len(owners) == partitions and busy == min(members, partitions)


def told(generation: Generation) -> str:
    """`consumer-5002 [0, 1], consumer-5003 [2]`, with the number of the generation."""
    members = {member.client_id: sorted(p for t, p in member.partitions if t == TOPIC) for member in generation.members}
    owned = ", ".join(f"{client_id} {partitions}" for client_id, partitions in sorted(members.items()))
    return f"generation {generation.number}: {owned}"
