"""Lab 19: Compaction."""

from collections.abc import Iterator

from labs.checks import Goal, Leaves
from labs.evidence import Evidence
from labs.lab_12_retention import cleaner
from labs.topics import named

COMPACTION = "python run.py labs/lab_19_compaction/compaction.py"
TO_ITS_END = "let it run to its end"
WRITTEN = 3 * 50 + 1  # changes of ann, ben and cem, and a tombstone
SHOWN = 4
LEAVES = Leaves((named("profiles"),))


def goals(seen: Evidence) -> Iterator[Goal]:
    if not cleaner.runs():
        yield Goal("a broker whose log cleaner runs", False, cleaner.OFF, cleaner.INSTEAD)
        return
    yield from _compacted(seen, named("profiles"))


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
