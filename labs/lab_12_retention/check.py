"""Lab 12: Retention."""

import re
from collections.abc import Iterator
from itertools import pairwise

from labs.checks import Goal, Leaves
from labs.evidence import Evidence
from labs.lab_12_retention import cleaner
from labs.topics import named

RETENTION = "python run.py labs/lab_12_retention/retention.py"
TO_ITS_END = "let it run to its end"
LEAVES = Leaves((named("visits"),), (named("away"),))


def goals(seen: Evidence) -> Iterator[Goal]:
    if not cleaner.runs():
        yield Goal("a broker whose log cleaner runs", False, cleaner.OFF, cleaner.INSTEAD)
        return
    yield from _deleted(seen, named("visits"), named("away"))


def _deleted(seen: Evidence, topic: str, group: str) -> Iterator[Goal]:
    wait = f"{RETENTION}   ({TO_ITS_END})"
    start = seen.starts(topic).get(0, 0)
    why = f"the log of {topic} starts at offset {start}"
    yield Goal("old events were deleted", start > 0, why, wait)

    what = "the group came back too late for some events"
    labelled = [(re.fullmatch(r"reads from (\d+)", commit.metadata), commit) for commit in seen.history(group).commits]
    reads = [(int(label[1]), commit.offset) for label, commit in labelled if label and commit.topic == topic]
    for (_, committed), (first, _) in pairwise(reads):
        if first > committed:
            why = f"it had committed offset {committed}, and then read offset {first}: {first - committed} are missing"
            yield Goal(what, True, why)
            return
    if len(reads) > 1:
        why = "each time it came back, all events were still there"
    elif reads:
        why = f"it has committed offset {reads[0][1]}, and has not come back yet"
    else:
        why = f"the group {group} has read nothing yet"
    yield Goal(what, False, why, wait)
