"""Lab 15: done by half, differently, in another order, twice. tests/labs shows that programs leave this evidence."""

from dataclasses import replace

import pytest

from labs.internals import epochs
from labs.internals.epochs import Assigned, Epoch, Joined, Left
from labs.internals.history import Generation, History
from labs.lab_15_new_protocol import check
from labs.topics import named
from tests.unit import deeds
from tests.unit.deeds import EACH, Seen, both_tests

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


class Groups(Seen):
    def __init__(self, generations=(), moves=(), migration=()):
        super().__init__(histories={STICKY: History(list(generations))})
        events = {MOVES: list(moves), MIGRATION: list(migration)}
        self.epochs = lambda group: events.get(group, [])


def generations(*rows: tuple[int, dict[str, tuple]]) -> list[Generation]:
    """Consecutive ones, each (at_ms, {client id: its partitions})."""
    made = deeds.generations(*(row for _, row in rows), topic=named("moves"), protocol="cooperative-sticky")
    return [replace(one, at_ms=at_ms) for one, (at_ms, _) in zip(made, rows, strict=True)]


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


def sticky_again() -> list[Generation]:
    """After a run that was stopped."""
    rows = [(one.at_ms, {m.client_id: tuple(p for _, p in m.partitions) for m in one.members}) for one in STICKY_RUN]
    return generations((1, {ONE: (), TWO: ()}), (2, {}), *rows)


def sticky_and_quick() -> list[Generation]:
    """FINISHING_SECONDS = 0: the third generation comes at once."""
    first, second, third, _ = STICKY_RUN
    return [first, second, replace(third, at_ms=2100)]


STARTED = [*TWO_MEMBERS, *THE_THIRD, *QUICK_ONE]
STOPPED = [*TWO_MEMBERS, *THE_THIRD, *ALL_LEAVE]
NOT_SLOW = [has(TWO, 1050, 3, (3, 4), (5,)), has(TWO, 1060, 4, (3, 4)), has(THREE, 1500, 4, (2, 5))]
MORE_MOVED = [has(TWO, 4400, 4, (2, 3)), has(ONE, 4400, 4, (0, 1)), has(THREE, 4500, 4, (4, 5))]
STRANGERS = [joined("a"), joined("b"), Epoch(0, 2), joined("c"), Epoch(9, 3), has("c", 10, 3, (1,))]
NEW_ALONE = [joined("new-1"), joined("new-2"), has("new-1", 1, 2, (0, 1, 2)), has("new-2", 1, 2, (3, 4, 5))]
CASES = {
    "nothing": (Groups(), set()),
    "everything": (Groups(STICKY_RUN, A_MOVE, A_MIGRATION), {WAITED, *BY_MOVING, BOTH, ALL_NEW}),
    "cooperative-sticky": (Groups(STICKY_RUN), {WAITED}),
    "moves": (Groups(moves=A_MOVE), BY_MOVING),
    "a migration": (Groups(migration=A_MIGRATION), {BOTH, ALL_NEW}),
    "moves twice": (Groups(moves=[*A_MOVE, *A_MOVE]), BY_MOVING),
    "after a run that was stopped": (Groups(moves=[*STOPPED, *A_MOVE]), BY_MOVING),
    "before one": (Groups(moves=[*A_MOVE, *STOPPED]), BY_MOVING),
    "cooperative-sticky again": (Groups(sticky_again()), {WAITED}),
    "stopped with two members": (Groups(moves=TWO_MEMBERS), set()),
    "stopped before the first partition": (Groups(moves=[*STARTED, *SLOW_ONE]), set()),
    "stopped after it": (Groups(moves=[*STARTED, *SLOW_ONE, *FIRST_PARTITION]), set()),  # how slow is the slow one?
    "all left after it": (Groups(moves=[*STARTED, *SLOW_ONE, *FIRST_PARTITION, *ALL_LEAVE]), set()),
    "nobody is slow: the new one still gets one before the other": (
        Groups(moves=[*STARTED, *SLOW_ONE, *FIRST_PARTITION, has(TWO, 1550, 4, (3, 4)), has(THREE, 1600, 4, (2, 5))]),
        {MOVED},
    ),
    "the slow one is quick": (Groups(sticky_and_quick(), [*STARTED, *NOT_SLOW]), {MOVED}),
    "a barrier: the third gets all at once": (Groups(moves=[*STARTED, *SLOW_ONE, *ITS_END]), {BY_ITSELF, MOVED}),
    "more moved than had to": (Groups(moves=[*STARTED, *SLOW_ONE, *MORE_MOVED]), {BY_ITSELF}),
    "another group of three": (Groups(moves=STRANGERS), set()),
    "a migration, stopped half way": (Groups(migration=A_MIXED_GROUP), {BOTH}),
    "new members alone": (Groups(migration=NEW_ALONE), set()),
    "Java's console consumers, which all have the same client id": (
        Groups(migration=[replace(e, client_id="console") if isinstance(e, Joined) else e for e in A_MIGRATION]),
        {BOTH, ALL_NEW},
    ),
    "the last partition has no owner": (Groups(migration=A_MIGRATION[:-1]), {BOTH}),
}
SAID = [
    ("nothing", EACH, "-> python run.py labs/lab_15_new_protocol/…"),
    ("nothing", WAITED, f"-> {check.PROTOCOLS}…"),
    ("nothing", BOTH, f"-> {check.MIGRATION}…"),
    ("everything", WAITED, "generation 2 gave it nothing, 3 all, 3.0 s later"),
    ("everything", NO_BARRIER, "[2] after 0.5 s; consumer-2 took 2.9 s more to give up its own"),
    ("everything", BY_ITSELF, "…consumer-1 after 0.0 s, consumer-2 after 3.4 s…"),
    ("everything", MOVED, "2 of 6 partitions: consumer-3 has [2, 5]"),
    ("everything", BOTH, "epoch 2, old-1, old-2 of the classic kind, new-1 of the new…"),
    ("the slow one is quick", NO_BARRIER, "the slow one was not slow, or all were stopped"),
    ("the slow one is quick", WAITED, "it did not wait, or was stopped"),
    ("more moved than had to", MOVED, "3 of 6 partitions…"),
    ("a migration, stopped half way", ALL_NEW, "the last classic one has not left yet"),
]
test_goals, test_words = both_tests(check, CASES, SAID)


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
        (epochs.ASSIGNMENT, None, None),  # this tombstone says nothing new
    ],
)
def test_the_records_of_a_broker_are_read(kind, value, event):
    assert [*epochs._events(kind, 5, "id", value and bytes.fromhex(value))] == ([event] if event else [])
