"""Lab 5: Delivery guarantees."""

from collections import Counter
from collections.abc import Iterator

from labs import click
from labs.checks import Goal, Leaves
from labs.evidence import Evidence
from labs.lab_05_guarantees.acks import EVENTS as ACKS_EVENTS
from labs.lab_05_guarantees.guarantees import EVENTS, SOURCE, WAYS, target
from labs.lab_05_guarantees.lost_answers import EVENTS as ANSWERS_EVENTS
from labs.lab_05_guarantees.outage import KEY
from labs.topics import named
from settings import TOPIC

PROGRAMS = "python run.py labs/lab_05_guarantees"
LEAVES = Leaves(
    (SOURCE, named("acks"), named("answers"), *map(target, WAYS)),
    tuple(map(named, WAYS)),
    answers=lambda answer: (answer.get("key") or "").startswith(KEY),
)


def goals(seen: Evidence) -> Iterator[Goal]:
    yield _acks(seen)
    yield _lost_answers(seen)
    yield _outage(seen)
    for way in WAYS:
        yield _copied(way, seen)


def _acks(seen: Evidence) -> Goal:
    what = "acks=0 reports all as delivered, acks=all only what is written"
    runs = Counter(dict(record.headers() or []).get("run", b"").decode() for record in seen.records(named("acks")))
    written = {acks: [count for run, count in runs.items() if run.startswith(f"{acks}-")] for acks in ("0", "all")}
    none = next((count for count in written["0"] if count < ACKS_EVENTS), sum(written["0"][:1]))  # any run counts
    every = max(written["all"], default=0)
    reached = 0 < none < ACKS_EVENTS and every > 0
    why = f"of {ACKS_EVENTS} events, {none} are in the log with acks=0, {every} with acks=all"
    return Goal(what, reached, why, f"{PROGRAMS}/acks.py")


def _lost_answers(seen: Evidence) -> Goal:
    counts = Counter(record.value().decode() for record in seen.records(named("answers")))
    duplicated = Counter(event.partition("-")[0] for event, count in counts.items() if count > 1)
    idempotent = sum(event.startswith("idempotent") for event in counts)
    reached = duplicated["plain"] > 0 and idempotent > ANSWERS_EVENTS and not duplicated["idempotent"]
    with_it = f"{duplicated['idempotent']} of {idempotent} with it"
    why = f"duplicated: {duplicated['plain']} events without idempotence, {with_it}"
    return Goal("late answers, retried events", reached, why, f"{PROGRAMS}/lost_answers.py")


def _outage(seen: Evidence) -> Goal:
    what, why = "a like that was refused and yet written", "no click yet"
    likes = Counter((record.key() or b"").decode(errors="replace") for record in seen.records(TOPIC))
    answers: dict[str, list[int]] = {}
    for answer in seen.clicks():
        if (key := answer.get("key") or "").startswith(KEY):
            answers.setdefault(key, []).append(answer["status"])
    for key, statuses in answers.items():
        confirmed = statuses.count(click.CONFIRMED)
        why = f"{likes[key]} likes from {len(statuses)} clicks are in the log, {confirmed} of the clicks were confirmed"
        if likes[key] > confirmed < len(statuses):
            return Goal(what, True, why)
    return Goal(what, False, why, f"{PROGRAMS}/outage.py")


def _copied(way: str, seen: Evidence) -> Goal:
    runs: dict[bytes, Counter] = {}
    for record in seen.records(target(way), "read_committed"):
        runs.setdefault(dict(record.headers() or []).get("run", b""), Counter())[record.value()] += 1
    copies = [(EVENTS - len(counts), sum(count > 1 for count in counts.values())) for counts in runs.values()]
    expected = {
        "at-most-once": lambda lost, duplicated: lost > 0 == duplicated,
        "at-least-once": lambda lost, duplicated: duplicated > 0 == lost,
        "exactly-once": lambda lost, duplicated: lost == duplicated == 0,
    }[way]
    # Any run counts: a later one, with another CRASHES_AFTER, may show something else.
    copy = next((copy for copy in reversed(copies) if expected(*copy)), copies[-1] if copies else None)
    why = f"of {EVENTS} events, {copy[0]} lost, {copy[1]} duplicated" if copy else "no copy yet"
    return Goal(f"a copy, {way}", copy is not None and expected(*copy), why, f"{PROGRAMS}/guarantees.py")
