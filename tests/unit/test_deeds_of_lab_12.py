"""Lab 12: done by half, differently, in another order, twice. tests/labs shows that its programs leave the evidence
recorded here."""

import pytest

from labs.internals.history import Commit, History
from labs.lab_12_retention import check, cleaner
from labs.topics import named
from plumbing import Problem
from tests.unit.deeds import EACH, Record, Seen, both_tests, expect_words, reached

PROFILES, VISITS, AWAY = named("profiles"), named("visits"), named("away")
CHANGED, ONE_EACH, GONE, KEPT, DELETED, TOO_LATE = (
    "the profiles were changed",
    "of ann and of ben, only the last record is left",
    "cem is gone, and so is the tombstone",
    "the others kept their offsets",
    "old events were deleted",
    "the group came back too late for some events",
)
ALL_WRITTEN = [(offset, ("ann", "ben", "cem")[offset % 3]) for offset in range(150)] + [(150, "cem")]
TICKS = [(158, "dan"), (159, "dan")]
CLEANED = [(147, "ann"), (148, "ben"), *TICKS]


@pytest.fixture(autouse=True)
def the_cleaner_runs(monkeypatch):
    monkeypatch.setattr(cleaner, "runs", lambda: True)


class Cluster(Seen):
    """The offsets and keys of the profiles, where they end, where the visits start, and the group's commits."""

    def __init__(self, profiles=(), end: int = 0, start: int = 0, commits=()):
        records = [Record(b"", offset=offset, key=key.encode()) for offset, key in profiles]
        super().__init__({PROFILES: records}, {AWAY: History([], list(commits))})
        self.ends = lambda topic: {0: end} if topic == PROFILES else {}
        self.starts = lambda topic: {0: start} if topic == VISITS else {}


def read(first: int, committed: int, topic: str = VISITS) -> Commit:
    return Commit(topic, 0, committed, f"reads from {first}", 0)


COMPACTED = {CHANGED, ONE_EACH, GONE, KEPT}
CASES = {
    "nothing": (Cluster(), set()),
    "everything": (Cluster(CLEANED, 160, 13, [read(0, 2), read(13, 14)]), COMPACTED | {DELETED, TOO_LATE}),
    "before the cleaner comes": (Cluster(ALL_WRITTEN, 151), {CHANGED}),
    "while the tombstone is there": (
        Cluster([(147, "ann"), (148, "ben"), (150, "cem"), (151, "dan")], 152),
        {CHANGED, ONE_EACH, KEPT},
    ),
    "a second run, before the cleaner, undoes nothing": (
        Cluster(CLEANED + [(offset + 160, key) for offset, key in ALL_WRITTEN], 311),
        COMPACTED,
    ),
    "a second run, stopped while it wrote": (
        Cluster([*CLEANED, (160, "ann"), (161, "ben"), (162, "cem")], 163),
        COMPACTED,
    ),
    "a second run, after it": (Cluster([(307, "ann"), (308, "ben"), (315, "dan")], 316), COMPACTED),
    "stopped while it wrote: no cem was there, so none is gone": (Cluster([(0, "ann"), (1, "ben")], 2), set()),
    "one more deleted profile undoes nothing": (Cluster([(147, "ann"), *TICKS], 160), COMPACTED),
    "the group has left and is not back": (Cluster(start=13, commits=[read(0, 2)]), {DELETED}),
    "retention.ms was changed, or the program started again at once: the group came back in time": (
        Cluster(commits=[read(0, 2), read(2, 4), read(4, 5)]),
        set(),
    ),
    "a later return in time undoes nothing": (
        Cluster(start=13, commits=[read(0, 2), read(13, 14), read(14, 16)]),
        {DELETED, TOO_LATE},
    ),
    "commits for another topic do not count": (
        Cluster(start=13, commits=[read(0, 2), read(13, 14, PROFILES)]),
        {DELETED},
    ),
    "commits of kafka-consumer-groups do not count": (
        Cluster(start=13, commits=[Commit(VISITS, 0, 0, "", 0), read(13, 14)]),
        {DELETED},
    ),
}
SAID = [
    ("nothing", EACH, "-> python run.py labs/lab_12_retention/…"),
    ("everything", KEPT, "4 of 160 offsets have a record: 147, 148, 158, 159"),
    ("everything", TOO_LATE, "it had committed offset 2, and then read offset 13: 11 are missing -> "),
    ("a second run, after it", ONE_EACH, "ann at offset 307, ben at offset 308"),
    ("before the cleaner comes", GONE, "records with this key: 51"),
    ("before the cleaner comes", ONE_EACH, "there are 50 records of ann, 50 of ben"),
    ("while the tombstone is there", GONE, "records with this key: 1"),
    ("the group has left and is not back", TOO_LATE, "it has committed offset 2, and has not come back yet"),
    (
        "retention.ms was changed, or the program started again at once: the group came back in time",
        TOO_LATE,
        "each time it came back, all events were still there",
    ),
]
test_goals, test_words = both_tests(check, CASES, SAID)


def test_without_a_log_cleaner_the_lab_is_skipped(monkeypatch):
    monkeypatch.setattr(cleaner, "runs", lambda: False)
    evidence = Cluster(CLEANED, 160)
    assert reached(check, evidence) == set()
    expect_words(check, evidence, EACH, "-> …--broker docker…")
    assert len(list(check.goals(Cluster()))) == 1
    with pytest.raises(Problem, match="switched off"):
        cleaner.need()
