"""Lab 5: Delivery guarantees."""

from collections import Counter
from collections.abc import Iterator

from labs.checks import Goal
from labs.evidence import Evidence
from labs.lab_05_guarantees.acks import EVENTS as ACKS_EVENTS
from labs.lab_05_guarantees.guarantees import EVENTS, WAYS, target
from labs.lab_05_guarantees.lost_answers import EVENTS as ANSWERS_EVENTS
from labs.topics import named
from settings import TOPIC


def goals(seen: Evidence) -> Iterator[Goal]:
    yield _acks(seen)
    yield _lost_answers(seen)
    yield _outage(seen)
    for way in WAYS:
        yield _copied(way, seen)


def _acks(seen: Evidence) -> Goal:
    what = "acks=0 says delivered, acks=all says what is true"
    written = Counter()  # of the last run with each setting
    for record in seen.records(named("acks")):
        acks, _, run = dict(record.headers() or []).get("run", b"").decode().partition("-")
        if written[acks, "run"] != run:
            written[acks, "run"], written[acks] = run, 0
        written[acks] += 1
    reached = 0 < written["0"] < ACKS_EVENTS and written["all"] > 0
    why = f"of {ACKS_EVENTS} events, {written['0']} are in the log with acks=0, {written['all']} with acks=all"
    return Goal(what, reached, why, "python run.py labs/lab_05_guarantees/acks.py")


def _lost_answers(seen: Evidence) -> Goal:
    counts = Counter(record.value().decode() for record in seen.records(named("answers")))
    twice = Counter(event.partition("-")[0] for event, count in counts.items() if count > 1)
    idempotent = sum(event.startswith("idempotent") for event in counts)
    reached = twice["plain"] > 0 and idempotent > ANSWERS_EVENTS and not twice["idempotent"]
    why = (
        f"twice in the log: {twice['plain']} events without idempotence, {twice['idempotent']} of {idempotent} with it"
    )
    return Goal("late answers, events sent again", reached, why, "python run.py labs/lab_05_guarantees/lost_answers.py")


def _outage(seen: Evidence) -> Goal:
    counts = Counter((record.key() or b"").decode(errors="replace") for record in seen.records(TOPIC))
    written = max((count for key, count in counts.items() if key.startswith("outage-")), default=0)
    why = f"{written} likes of three clicks are in the log, one of them answered 503" if written else "no click yet"
    return Goal(
        "a like that was refused, and was written", written >= 3, why, "python run.py labs/lab_05_guarantees/outage.py"
    )


def _copied(way: str, seen: Evidence) -> Goal:
    runs: dict[bytes, Counter] = {}
    for record in seen.records(target(way), "read_committed"):
        runs.setdefault(dict(record.headers() or [])["run"], Counter())[record.value()] += 1
    counts = runs[max(runs, key=lambda run: int(run.rpartition(b"-")[2]))] if runs else Counter()
    lost, twice = EVENTS - len(counts), sum(count > 1 for count in counts.values())
    expected = {
        "at-most-once": lost > 0 == twice,
        "at-least-once": twice > 0 == lost,
        "exactly-once": lost == twice == 0,
    }
    why = f"of {EVENTS} events {lost} lost, {twice} twice" if counts else "no copy yet"
    return Goal(
        f"a copy, {way}", bool(counts) and expected[way], why, "python run.py labs/lab_05_guarantees/guarantees.py"
    )
