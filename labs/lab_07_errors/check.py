"""Lab 7: Errors."""

from collections.abc import Iterator

from confluent_kafka import Message

from consumer import parse_like
from labs.checks import Goal
from labs.evidence import Evidence
from labs.lab_07_errors.dead_letters import DEAD_LETTERS, origin_of
from labs.lab_07_errors.dead_letters import GROUP as ERRORS_GROUP
from labs.lab_07_errors.poison import POISON
from settings import GROUP, TOPIC


def goals(seen: Evidence) -> Iterator[Goal]:
    broken = [record for record in seen.records(TOPIC) if not is_like(record)]
    why = ", ".join(origin_of(record).decode() for record in broken[-len(POISON) :]) or "there are none"
    following = "python run.py labs/lab_07_errors/poison.py"
    yield Goal(f"records in {TOPIC} that are no likes", len(broken) >= len(POISON), why, following)

    committed = seen.committed(GROUP, TOPIC)
    behind = [record for record in broken if committed.get(record.partition(), 0) > record.offset()]
    why = f"committed behind {len(behind)} of {len(broken)}"
    reached = len(behind) == len(broken) > 0
    yield Goal(f"the group {GROUP} has gone on behind them", reached, why, "python run.py   (in the first terminal)")

    following = "python run.py labs/lab_07_errors/dead_letters.py"
    letters = [(record, dict(record.headers() or [])) for record in seen.records(DEAD_LETTERS)]
    values = {origin_of(record): record.value() for record in seen.records(TOPIC)}
    told = [headers for record, headers in letters if headers.get("reason") and is_copy(record, headers, values)]
    busy = sum(b"busy" in headers["reason"] for headers in told)
    why = f"{len(told)} in {DEAD_LETTERS}, {busy} because the receiver was busy"
    yield Goal("dead letters with reason and origin", len(told) > busy > 0, why, following)

    first = {
        partition: offsets[0].offset for partition, offsets in seen.history(ERRORS_GROUP).commits_of(TOPIC).items()
    }
    committed = seen.committed(ERRORS_GROUP, TOPIC)
    due = [
        record
        for record in broken
        if first.get(record.partition(), 0) <= record.offset() < committed.get(record.partition(), 0)
    ]
    aside = {headers["origin"] for headers in told}
    kept = sum(origin_of(record) in aside for record in due)
    why = f"{kept} of {len(due)} broken records that {ERRORS_GROUP} has read are dead letters"
    yield Goal("nothing was passed over", kept == len(due) > 0, why, following)

    again = seen.committed(f"{ERRORS_GROUP}-replay", DEAD_LETTERS).get(0, 0)
    why = f"{again} of {len(letters)}"
    yield Goal("the dead letters were read again", again == len(letters) > 0, why, f"{following} --replay")


def is_like(record: Message) -> bool:
    try:
        parse_like(record.value())
    except ValueError:
        return False
    return True


def is_copy(letter: Message, headers: dict[str, bytes], values: dict[bytes, bytes]) -> bool:
    """True when the letter is, byte by byte, the record of its origin."""
    return values.get(headers.get("origin")) == letter.value()
