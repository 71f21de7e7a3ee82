"""Lab 12: done by half, differently, in another order, twice. tests/labs shows that its programs leave the evidence
recorded here."""

import pytest

from labs.internals.history import Commit, History
from labs.lab_12_retention import check, cleaner
from labs.topics import named
from plumbing import Problem
from tests.unit.test_lab_deeds import Record, Seen

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


def reached(cluster: Cluster) -> set[str]:
    return {goal.what for goal in check.goals(cluster) if goal.reached}


def goal(cluster: Cluster, what: str):
    return next(one for one in check.goals(cluster) if one.what == what)


def test_nothing_done():
    assert reached(Cluster()) == set()
    assert all(one.next for one in check.goals(Cluster()))


def test_all_done():
    cluster = Cluster(CLEANED, 160, 13, [read(0, 2), read(13, 14)])
    assert reached(cluster) == {CHANGED, ONE_EACH, GONE, KEPT, DELETED, TOO_LATE}
    assert goal(cluster, KEPT).why == "4 of 160 offsets have a record: 147, 148, 158, 159"
    assert goal(cluster, TOO_LATE).why == "it had committed offset 2, and then read offset 13: 11 are missing"


def test_before_the_cleaner_comes():
    cluster = Cluster(ALL_WRITTEN, 151)
    assert reached(cluster) == {CHANGED}
    assert goal(cluster, GONE).why == "records with this key: 51"
    assert goal(cluster, ONE_EACH).why == "there are 50 records of ann, 50 of ben"


def test_while_the_tombstone_is_there():
    cluster = Cluster([(147, "ann"), (148, "ben"), (150, "cem"), (151, "dan")], 152)
    assert reached(cluster) == {CHANGED, ONE_EACH, KEPT}
    assert goal(cluster, GONE).why == "records with this key: 1"


def test_a_second_run_before_the_cleaner_undoes_goals_that_no_longer_hold():
    again = [(offset + 160, key) for offset, key in ALL_WRITTEN]
    assert reached(Cluster(CLEANED + again, 311)) == {CHANGED, KEPT}
    assert reached(Cluster([(307, "ann"), (308, "ben"), (315, "dan")], 316)) == {CHANGED, ONE_EACH, GONE, KEPT}


def test_the_program_was_stopped_while_it_wrote():
    cluster = Cluster([(0, "ann"), (1, "ben")], 2)
    assert reached(cluster) == set(), "no cem was there, so none is gone"


def test_one_more_deleted_profile_undoes_nothing():
    assert reached(Cluster([(147, "ann"), *TICKS], 160)) == {CHANGED, ONE_EACH, GONE, KEPT}


def test_the_group_has_left_and_is_not_back():
    cluster = Cluster(start=13, commits=[read(0, 2)])
    assert reached(cluster) == {DELETED}
    assert goal(cluster, TOO_LATE).why == "it has committed offset 2, and has not come back yet"


def test_the_group_came_back_in_time():
    """The learner has changed retention.ms, or has ended the program, and has started it again at once."""
    cluster = Cluster(commits=[read(0, 2), read(2, 4), read(4, 5)])
    assert reached(cluster) == set()
    assert goal(cluster, TOO_LATE).why == "each time it came back, all events were still there"


def test_a_later_return_in_time_undoes_nothing():
    cluster = Cluster(start=13, commits=[read(0, 2), read(13, 14), read(14, 16)])
    assert reached(cluster) == {DELETED, TOO_LATE}


@pytest.mark.parametrize("commits", [[read(0, 2), read(13, 14, PROFILES)], [Commit(VISITS, 0, 0, "", 0), read(13, 14)]])
def test_other_commits_do_not_count(commits):
    """Of another topic, or by kafka-consumer-groups."""
    assert TOO_LATE not in reached(Cluster(start=13, commits=commits))


def test_without_a_log_cleaner_the_lab_is_skipped(monkeypatch):
    monkeypatch.setattr(cleaner, "runs", lambda: False)
    [only] = check.goals(Cluster(CLEANED, 160))
    assert not only.reached
    assert "--broker docker" in only.next
    with pytest.raises(Problem, match="switched off"):
        cleaner.need()
