"""Lab 12: Retention and compaction."""

import re
from collections.abc import Iterator
from itertools import pairwise

from labs.checks import Goal, Leaves
from labs.evidence import Evidence
from labs.lab_12_retention import cleaner
from labs.topics import named

COMPACTION = "python run.py labs/lab_12_retention/compaction.py"
RETENTION = "python run.py labs/lab_12_retention/retention.py"
TO_ITS_END = "let it run to its end"
WRITTEN = 3 * 50 + 1  # changes of ann, ben and cem, and a tombstone
SHOWN = 4
LEAVES = Leaves((named("profiles"), named("visits")), (named("away"),))


def goals(seen: Evidence) -> Iterator[Goal]:
    if not cleaner.runs():
        yield Goal("a broker whose log cleaner runs", False, cleaner.OFF, cleaner.INSTEAD)
        return
    yield from _compacted(seen, named("profiles"))
    yield from _deleted(seen, named("visits"), named("away"))


def _compacted(seen: Evidence, topic: str) -> Iterator[Goal]:
    end = seen.ends(topic).get(0, 0)
    offsets: dict[str, list[int]] = {}
    for record in seen.records(topic):
        offsets.setdefault((record.key() or b"").decode(errors="replace"), []).append(record.offset())
    left = sorted(offset for of_key in offsets.values() for offset in of_key)
    # Only the records of the first run: those of a later one may still be waiting for the cleaner.
    first = {name: [offset for offset in offsets.get(name, []) if offset < WRITTEN] for name in ("ann", "ben", "cem")}
    wait = f"{COMPACTION}   ({TO_ITS_END})"

    written = end >= WRITTEN
    why = f"{end} offsets were given" if end else f"the topic {topic} has no records yet"
    yield Goal("the profiles were changed", written, why, wait)

    one_each = written and len(first["ann"]) <= 1 >= len(first["ben"])  # later ones may have replaced or deleted both
    last = {name: (first[name] or offsets.get(name, []))[-1:] for name in ("ann", "ben")}
    why = ", ".join(f"{name} at offset {offset}" for name, found in last.items() for offset in found)
    if not one_each:
        why = f"there are {len(first['ann'])} records of ann, {len(first['ben'])} of ben"
    yield Goal("of ann and of ben, only the last record is left", one_each, why, wait)

    of_cem = len(first["cem"])
    why = (
        f"none of the first {WRITTEN} records of {topic} has this key" if written else "there is nothing to remove yet"
    )
    why = f"records with this key: {of_cem}" if of_cem else why
    yield Goal("cem is gone, and so is the tombstone", written and not of_cem, why, wait)

    gaps = written and len(left) < end
    why = f"{len(left)} of {end} offsets have a record: {', '.join(map(str, left[:SHOWN]))}"
    why += " ..." if len(left) > SHOWN else ""
    yield Goal("the others kept their offsets", gaps, why if gaps else "nothing was removed yet", wait)


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
