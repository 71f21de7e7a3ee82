"""Lab 12: done by half, differently, in another order, twice. tests/labs shows that programs leave this evidence."""

import pytest

from labs import checks
from labs.internals.history import Commit, History
from labs.lab_12_retention import check, cleaner
from labs.topics import named
from plumbing import Problem
from tests.unit.deeds import EACH, Seen, both_tests

VISITS, AWAY = named("visits"), named("away")
DELETED, TOO_LATE = "old events were deleted", "the group came back too late for some events"


class Cluster(Seen):
    """Where the visits start, and the group's commits."""

    def __init__(self, start: int = 0, commits=()):
        super().__init__({}, {AWAY: History([], list(commits))})
        self.starts = lambda topic: {0: start} if topic == VISITS else {}


def read(first: int, committed: int, topic: str = VISITS) -> Commit:
    return Commit(topic, 0, committed, f"reads from {first}", 0)


CASES = {
    "nothing": (Cluster(), set()),
    "everything": (Cluster(13, [read(0, 2), read(13, 14)]), {DELETED, TOO_LATE}),
    "the group has left and is not back": (Cluster(13, [read(0, 2)]), {DELETED}),
    "each time back in time": (Cluster(0, [read(0, 2), read(2, 4), read(4, 5)]), set()),
    "a later return in time": (Cluster(13, [read(0, 2), read(13, 14), read(14, 16)]), {DELETED, TOO_LATE}),
    "a commit for another topic": (Cluster(13, [read(0, 2), read(13, 14, named("profiles"))]), {DELETED}),
    "a commit of kafka-consumer-groups": (Cluster(13, [Commit(VISITS, 0, 0, "", 0), read(13, 14)]), {DELETED}),
}
SAID = [
    ("nothing", EACH, "-> python run.py labs/lab_12_retention/…"),
    ("everything", TOO_LATE, "it had committed offset 2, and then read offset 13: 11 are missing -> "),
    ("the group has left and is not back", TOO_LATE, "it has committed offset 2, and has not come back yet"),
    ("each time back in time", TOO_LATE, "each time it came back, all events were still there"),
]
test_goals, test_words = both_tests(check, CASES, SAID)


@pytest.mark.parametrize("lab", [12, 19])
def test_without_a_log_cleaner_the_lab_is_skipped(monkeypatch, lab):
    monkeypatch.setattr(cleaner, "runs", lambda: False)
    [only] = checks.goals(lab, Seen())
    assert not only.reached
    assert "--broker docker" in only.next
    with pytest.raises(Problem, match="switched off"):
        cleaner.need()
