"""Lab 15: done by half, differently, in another order, twice. tests/labs shows that its programs leave the evidence
recorded here."""

import pytest

from labs import kafka4
from labs.internals import epochs
from labs.internals.epochs import Assigned, Epoch, Event, Joined, Left
from labs.internals.history import Generation, History, Member
from labs.lab_15_new_protocol import check
from labs.topics import named
from tests.unit.test_lab_deeds import Seen

WAITED, NO_BARRIER, BY_ITSELF, MOVED, BOTH, ALL_NEW = (
    "cooperative-sticky: the third consumer had to wait for the slow one",
    "the new protocol: it got a partition while the slow one still had to give up another",
    "each member reached the new epoch by itself",
    "the broker moved only what had to move",
    "a group had members of both kinds",
    "then all were of the new kind, with all partitions",
)
MOVES, STICKY, MIGRATION = named("moves-consumer"), named("moves-cooperative-sticky"), named("migration")
ONE, TWO, THREE = "consumer-1", "consumer-2", "consumer-3"


@pytest.fixture(autouse=True)
def kafka_4(monkeypatch):
    monkeypatch.setattr(kafka4, "is_kafka_4", lambda: True)


class Groups(Seen):
    def __init__(self, generations=(), moves=(), migration=()):
        super().__init__(histories={STICKY: History(list(generations))})
        events = {MOVES: list(moves), MIGRATION: list(migration)}
        self.epochs = lambda group: events.get(group, [])


def generations(*rows: tuple[int, dict[str, tuple]]) -> list[Generation]:
    """Consecutive ones, each (at_ms, {client id: its partitions})."""

    def members(row: dict[str, tuple]) -> tuple[Member, ...]:
        owned = {name: frozenset((named("moves"), partition) for partition in mine) for name, mine in row.items()}
        return tuple(Member(f"{name}-x", name, None, partitions) for name, partitions in owned.items())

    return [Generation(n, at_ms, "cooperative-sticky", members(row)) for n, (at_ms, row) in enumerate(rows, 1)]


def joined(client: str, at_ms: int = 0, classic: bool = False) -> Joined:
    return Joined(at_ms, f"id of {client}", client, classic)


def left(client: str, at_ms: int = 0) -> Left:
    return Left(at_ms, f"id of {client}")


def has(client: str, at_ms: int, epoch: int, partitions=(), to_give_up=()) -> Assigned:
    return Assigned(at_ms, f"id of {client}", epoch, frozenset(partitions), frozenset(to_give_up))


STICKY_RUN = generations(
    (1000, {ONE: (0, 1, 2), TWO: (3, 4, 5)}),
    (2000, {ONE: (0, 1), TWO: (3, 4), THREE: ()}),
    (5000, {ONE: (0, 1), TWO: (3, 4), THREE: (2, 5)}),
    (7000, {}),
)
TWO_MEMBERS = [
    joined(ONE),
    Epoch(0, 2),
    has(ONE, 0, 2, range(6)),
    joined(TWO),
    Epoch(10, 3),
    has(ONE, 10, 3, (0, 1, 2)),
    has(TWO, 20, 3, (3, 4, 5)),
]
THE_THIRD = [joined(THREE, 1000), Epoch(1000, 4), has(THREE, 1000, 4)]
QUICK_ONE = [has(ONE, 1030, 3, (0, 1), (2,)), has(ONE, 1040, 4, (0, 1))]
SLOW_ONE = [has(TWO, 1400, 3, (3, 4), (5,))]
FIRST_PARTITION = [has(THREE, 1500, 4, (2,))]
ITS_END = [has(TWO, 4400, 4, (3, 4)), has(THREE, 4500, 4, (2, 5))]
ALL_LEAVE = [
    event for n, client in enumerate((ONE, TWO, THREE)) for event in (left(client, 6000 + n), Epoch(6000 + n, 5 + n))
]
A_MOVE = [*TWO_MEMBERS, *THE_THIRD, *QUICK_ONE, *SLOW_ONE, *FIRST_PARTITION, *ITS_END, *ALL_LEAVE]
BY_MOVING = {NO_BARRIER, BY_ITSELF, MOVED}
A_MIXED_GROUP = [
    joined("old-1", classic=True),
    joined("old-2", classic=True),
    Epoch(0, 2),
    has("old-1", 0, 2, (0, 2, 4)),
    has("old-2", 0, 2, (1, 3, 5)),
    joined("new-1", 100),
    Epoch(100, 3),
]
A_MIGRATION = [
    *A_MIXED_GROUP,
    has("new-1", 500, 3, (4, 5)),
    left("old-1"),
    joined("new-2"),
    left("old-2"),
    Epoch(1000, 6),
    has("new-1", 1000, 6, (0, 1, 4)),
    has("new-2", 1100, 6, (2, 3, 5)),
]


def reached(evidence: Groups) -> set[str]:
    return {goal.what for goal in check.goals(evidence) if goal.reached}


def goal(evidence: Groups, what: str):
    return next(one for one in check.goals(evidence) if one.what == what)


def test_each_group_reaches_its_goals_and_no_others():
    assert reached(Groups(STICKY_RUN)) == {WAITED}
    assert reached(Groups(moves=A_MOVE)) == BY_MOVING
    assert reached(Groups(migration=A_MIGRATION)) == {BOTH, ALL_NEW}


def test_the_reasons_have_the_figures():
    evidence = Groups(STICKY_RUN, A_MOVE, A_MIGRATION)
    assert goal(evidence, WAITED).why == "generation 2 gave it nothing, 3 all, 3.0 s later"
    assert goal(evidence, NO_BARRIER).why == "[2] after 0.5 s, when consumer-2 still had [5]"
    assert "consumer-1 after 0.0 s, consumer-2 after 3.4 s" in goal(evidence, BY_ITSELF).why
    assert goal(evidence, MOVED).why == "2 of 6 partitions: consumer-3 has [2, 5]"
    assert goal(evidence, BOTH).why.startswith("epoch 2, old-1, old-2 of the classic kind, new-1 of the new")


def test_nothing_done_gives_the_command_for_each_goal():
    found = list(check.goals(Groups()))
    assert [one.reached for one in found] == [False] * 6
    assert all(one.next.startswith((check.PROTOCOLS, check.MIGRATION)) for one in found)


def test_on_an_old_kafka_there_is_one_goal_and_it_says_what_to_start(monkeypatch):
    monkeypatch.setattr(kafka4, "is_kafka_4", lambda: False)
    [only] = check.goals(Groups(STICKY_RUN, A_MOVE, A_MIGRATION))
    assert not only.reached
    assert kafka4.START in only.next


def test_it_may_run_twice_or_after_a_run_that_was_stopped():
    stopped = [*TWO_MEMBERS, *THE_THIRD, *ALL_LEAVE]
    assert reached(Groups(moves=[*A_MOVE, *A_MOVE])) == BY_MOVING
    assert reached(Groups(moves=[*stopped, *A_MOVE])) == BY_MOVING
    assert reached(Groups(moves=[*A_MOVE, *stopped])) == BY_MOVING
    assert reached(Groups(generations((1, {ONE: (), TWO: ()}), (2, {}), *[(g.at_ms, row(g)) for g in STICKY_RUN])))


def row(generation: Generation) -> dict[str, tuple]:
    return {one.client_id: tuple(partition for _, partition in one.partitions) for one in generation.members}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (TWO_MEMBERS, set()),
        ([*TWO_MEMBERS, *THE_THIRD, *QUICK_ONE, *SLOW_ONE], set()),
        ([*TWO_MEMBERS, *THE_THIRD, *QUICK_ONE, *SLOW_ONE, *FIRST_PARTITION], {NO_BARRIER}),
        ([*TWO_MEMBERS, *THE_THIRD, *QUICK_ONE, *SLOW_ONE, *FIRST_PARTITION, *ALL_LEAVE], {NO_BARRIER}),
    ],
)
def test_a_program_that_was_stopped_on_the_way(events: list[Event], expected):
    assert reached(Groups(moves=events)) == expected


def test_if_the_slow_one_is_quick_there_is_nothing_to_wait_for():
    """FINISHING_SECONDS = 0."""
    quick = [has(TWO, 1050, 3, (3, 4), (5,)), has(TWO, 1060, 4, (3, 4)), has(THREE, 1500, 4, (2, 5))]
    evidence = Groups(moves=[*TWO_MEMBERS, *THE_THIRD, *QUICK_ONE, *quick])
    assert reached(evidence) == {MOVED}
    assert goal(evidence, NO_BARRIER).why == "the slow one was not slow, or all were stopped"
    at_once = generations(*[(at_ms, row(g)) for at_ms, g in zip((1000, 2000, 2100), STICKY_RUN, strict=False)])
    assert goal(Groups(at_once), WAITED).why == "it did not wait, or was stopped"


def test_a_barrier_is_not_the_new_protocol():
    """The third one gets all at once, when the slow one has given up its own."""
    events = [*TWO_MEMBERS, *THE_THIRD, *QUICK_ONE, *SLOW_ONE, *ITS_END]
    assert reached(Groups(moves=events)) == {BY_ITSELF, MOVED}


def test_more_than_what_must_move_is_reported():
    other = [has(TWO, 4400, 4, (2, 3)), has(ONE, 4400, 4, (0, 1)), has(THREE, 4500, 4, (4, 5))]
    evidence = Groups(moves=[*TWO_MEMBERS, *THE_THIRD, *QUICK_ONE, *SLOW_ONE, *other])
    assert MOVED not in reached(evidence)
    assert goal(evidence, MOVED).why.startswith("3 of 6 partitions")


def test_another_group_of_three_is_not_that_of_the_lab():
    strangers = [joined("a"), joined("b"), Epoch(0, 2), joined("c"), Epoch(9, 3), has("c", 10, 3, (1,))]
    assert reached(Groups(moves=strangers)) == set()


def test_a_migration_that_was_stopped_half_way():
    evidence = Groups(migration=A_MIXED_GROUP)
    assert reached(evidence) == {BOTH}
    assert goal(evidence, ALL_NEW).why == "the last classic one has not left yet"


def test_new_members_alone_are_not_a_migration():
    alone = [joined("new-1"), joined("new-2"), has("new-1", 1, 2, (0, 1, 2)), has("new-2", 1, 2, (3, 4, 5))]
    assert reached(Groups(migration=alone)) == set()


def test_a_migration_whose_last_partition_has_no_owner_is_not_finished():
    assert reached(Groups(migration=A_MIGRATION[:-1])) == {BOTH}


OF_A_CLASSIC_MEMBER = (
    "0000 00 00 066f6c642d31 0b2f3132372e302e302e31 02 0b6c6162732d6d6f766573 01 000493e0 00 01 00 06 0100001770 01"
)
OF_A_NEW_MEMBER = "0000 00 00 066e65772d31 0b2f3132372e302e302e31 02 0b6c6162732d6d6f766573 01 000493e0 00 01 00 01 00"
AN_ASSIGNMENT = f"0000 00000003 00000002 01 02 {'ab' * 16} 03 00000000 00000001 00 02 {'ab' * 16} 02 00000002 00 00"


@pytest.mark.parametrize(
    ("kind", "value", "event"),
    [
        (epochs.GROUP, "0000 00000007 00", Epoch(5, 7)),
        (epochs.MEMBER, OF_A_CLASSIC_MEMBER, Joined(5, "id", "old-1", True)),
        (epochs.MEMBER, OF_A_NEW_MEMBER, Joined(5, "id", "new-1", False)),
        (epochs.ASSIGNMENT, AN_ASSIGNMENT, Assigned(5, "id", 3, frozenset({0, 1}), frozenset({2}))),
        (epochs.GROUP, None, Epoch(5, 0)),
        (epochs.MEMBER, None, Left(5, "id")),
    ],
)
def test_the_records_of_a_broker_are_read(kind, value, event):
    assert list(epochs._events(kind, 5, "id", value and bytes.fromhex(value))) == [event]


def test_the_tombstone_of_an_assignment_says_nothing_new():
    assert list(epochs._events(epochs.ASSIGNMENT, 5, "id", None)) == []
