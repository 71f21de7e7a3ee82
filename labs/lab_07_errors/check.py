"""Lab 7: Errors."""

from collections.abc import Iterator

from confluent_kafka import Message

from labs.checks import Goal, Leaves
from labs.evidence import Evidence, is_like
from labs.internals.history import Commit
from labs.lab_07_errors.dead_letters import DEAD_LETTERS, origin_of
from labs.lab_07_errors.dead_letters import GROUP as ERRORS_GROUP
from labs.lab_07_errors.poison import POISON
from labs.topics import named
from settings import GROUP, TOPIC

LEAVES = Leaves((DEAD_LETTERS,), (ERRORS_GROUP, named("errors-replay")))


def goals(seen: Evidence) -> Iterator[Goal]:
    broken = [record for record in seen.records(TOPIC) if not is_like(record)]
    why = ", ".join(origin_of(record).decode() for record in broken[-len(POISON) :]) or "none yet"
    following = "python run.py labs/lab_07_errors/poison.py"
    yield Goal(f"records in {TOPIC} that are not likes", len(broken) >= len(POISON), why, following)

    committed = seen.passed(GROUP, TOPIC)
    passed = [record for record in broken if committed.get(record.partition(), 0) > record.offset()]
    why = f"its committed offsets are past {len(passed)} of {len(broken)}"
    reached = len(passed) == len(broken) > 0 or len(passed) >= len(POISON)
    following = "start 1   (in the terminal of run.py; its consumers read them)"
    yield Goal(f"the group {GROUP} has moved past them", reached, why, following)

    following = "python run.py labs/lab_07_errors/dead_letters.py"
    letters = [(record, dict(record.headers() or [])) for record in seen.records(DEAD_LETTERS)]
    values = {origin_of(record): record.value() for record in seen.records(TOPIC)}
    complete = [headers for record, headers in letters if headers.get("reason") and is_copy(record, headers, values)]
    busy = sum(b"busy" in headers["reason"] for headers in complete)
    why = f"{len(complete)} in {DEAD_LETTERS}, {busy} because the receiver was busy"
    yield Goal("dead letters with reason and origin", len(complete) > busy > 0, why, following)

    commits = seen.history(ERRORS_GROUP).commits_of(TOPIC)
    due = [record for record in broken if was_read(record, commits.get(record.partition(), []))]
    aside = {headers["origin"] for headers in complete}
    kept = sum(origin_of(record) in aside for record in due)
    why = f"{kept} of {len(due)} broken records that {ERRORS_GROUP} has read are dead letters"
    yield Goal("no broken record was lost", kept == len(due) > 0, why, following)

    replays = seen.history(f"{ERRORS_GROUP}-replay").commits_of(DEAD_LETTERS).get(0, [])
    written = {record.offset(): record.timestamp()[1] for record, _ in letters}
    # To the end at that time: later dead letters do not count.
    ends = (commit.offset for commit in replays if written.get(commit.offset, commit.at_ms) >= commit.at_ms)
    replayed = max(ends, default=0)
    why = f"{replayed} of {len(letters)}"
    yield Goal("the dead letters were replayed", replayed > 0, why, f"{following} --replay")


def was_read(record: Message, commits: list[Commit]) -> bool:
    """True if one of the group's commits in its partition was made for it. (A group that was moved past it has not read
    it, and what it read in a deleted topic of the same name does not count.)"""
    read = [commit for commit in commits if commit.is_read]
    return any(commit.offset == record.offset() + 1 and commit.metadata == read[-1].metadata for commit in read)


def is_copy(letter: Message, headers: dict[str, bytes], values: dict[bytes, bytes]) -> bool:
    """True if the letter has the value of its original record, byte for byte."""
    return values.get(headers.get("origin", b"")) == letter.value()
