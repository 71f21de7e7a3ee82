"""Lab 15: The new rebalance protocol."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from labs import kafka4
from labs.checks import Goal, Leaves
from labs.evidence import Evidence
from labs.internals.epochs import Assigned, Epoch, Event, Joined, Left
from labs.internals.history import Generation
from labs.lab_15_new_protocol.protocols import WAYS
from labs.topics import named

PROTOCOLS = "python run.py labs/lab_15_new_protocol/protocols.py"
MIGRATION = "python run.py labs/lab_15_new_protocol/migration.py"
QUICK, SLOW, NEW = "consumer-1", "consumer-2", "consumer-3"
WAITED_MS = 1000  # consumer-2 takes 3 s to give up partitions; a rebalance without it takes less than 1 s
PARTITIONS = 6
LEAVES = Leaves((named("moves"),), tuple(map(named, (*(f"moves-{way}" for way in WAYS), "migration"))))


@dataclass
class Group:
    """A group of the new protocol at one time: member id -> what is known about it."""

    epoch: int = 0
    members: dict[str, Joined] = field(default_factory=dict)
    has: dict[str, Assigned] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        if isinstance(event, Epoch):
            self.epoch = event.number
        elif isinstance(event, Joined):
            self.members[event.member_id] = event
        elif isinstance(event, Left):
            self.members.pop(event.member_id, None)
            self.has.pop(event.member_id, None)
        else:
            self.has[event.member_id] = event

    def assigned(self) -> dict[str, Assigned]:
        """Client id -> its assignment."""
        return {self.members[one].client_id: has for one, has in self.has.items() if one in self.members}

    def clients(self, classic: bool) -> list[str]:
        return sorted(member.client_id for member in self.members.values() if member.classic == classic)


@dataclass
class Join:
    """The group's states from the arrival of the third consumer until the next epoch."""

    epoch: int
    at_ms: int
    before: dict[str, frozenset[int]]
    states: list[tuple[int, dict[str, Assigned]]] = field(default_factory=list)  # (at_ms, ...)


def goals(seen: Evidence) -> Iterator[Goal]:
    if absent := kafka4.missing():
        yield absent
        return
    yield _waited(seen.history(named("moves-cooperative-sticky")).generations)
    joins = list(_joins(seen.epochs(named("moves-consumer"))))
    yield _no_barrier(joins)
    yield _by_itself(joins)
    yield _kept(joins)
    yield from _migrated(seen.epochs(named("migration")))


def _waited(generations: list[Generation]) -> Goal:
    what = "cooperative-sticky: the third consumer had to wait for the slow one"
    missing, clients = f"no third consumer has joined {named('moves-cooperative-sticky')}", [QUICK, SLOW, NEW]
    for before, joined in pairwise(generations):
        if before.clients() != [QUICK, SLOW] or joined.clients() != clients:
            continue
        missing = "it did not wait, or was stopped"
        later = (one for one in generations if one.number >= joined.number and one.clients() == clients)
        first = next((one for one in later if NEW in one.owners(named("moves")).values()), None)
        if first and first.at_ms - joined.at_ms >= WAITED_MS:
            seconds = (first.at_ms - joined.at_ms) / 1000
            return Goal(
                what, True, f"generation {joined.number} gave it nothing, {first.number} all, {seconds:.1f} s later"
            )
    return Goal(what, False, missing, f"{PROTOCOLS}   (let it run to its end)")


def _joins(events: list[Event]) -> Iterator[Join]:
    group, join = Group(), None
    for event in events:
        owned = {client: one.partitions for client, one in group.assigned().items()}
        group.take(event)
        if isinstance(event, Epoch):
            if join:
                yield join
            came = group.clients(classic=False) == [QUICK, SLOW, NEW] and set(owned) == {QUICK, SLOW}
            join = Join(event.number, event.at_ms, owned) if came else None
        elif join:
            join.states.append((event.at_ms, group.assigned()))
    if join:
        yield join


def _no_barrier(joins: list[Join]) -> Goal:
    what = "the new protocol: it got a partition while the slow one still had to give up another"
    missing = f"no third consumer has joined {named('moves-consumer')}"
    for join in joins:
        missing = "the slow one was not slow, or all were stopped"
        got = next(((at, has) for at, has in join.states if NEW in has and has[NEW].partitions), None)
        given_up = next((at for at, has in join.states if SLOW in has and has[SLOW].epoch == join.epoch), None)
        if got and given_up and given_up - got[0] >= WAITED_MS:
            at_ms, has = got
            first, seconds, more = sorted(has[NEW].partitions), (at_ms - join.at_ms) / 1000, (given_up - at_ms) / 1000
            why = f"{first} after {seconds:.1f} s; {SLOW} took {more:.1f} s more to give up its own"
            return Goal(what, True, why)
    return Goal(what, False, missing, f"{PROTOCOLS}   (let it run to its end)")


def _by_itself(joins: list[Join]) -> Goal:
    what = "each member reached the new epoch by itself"
    missing = "there is no such epoch yet"
    for join in joins:
        reached: dict[str, int] = {}
        for at_ms, has in join.states:
            for client, one in has.items():
                if one.epoch == join.epoch:
                    reached.setdefault(client, at_ms - join.at_ms)
        words = ", ".join(f"{client} after {ms / 1000:.1f} s" for client, ms in sorted(reached.items()))
        if reached.keys() == {QUICK, SLOW, NEW} and reached[SLOW] - reached[QUICK] >= WAITED_MS:
            return Goal(what, True, f"epoch {join.epoch}, {words}")
        missing = f"epoch {join.epoch}: {words or 'nobody has reached it'}"
    return Goal(what, False, missing, f"{PROTOCOLS}   (let it run to its end)")


def _kept(joins: list[Join]) -> Goal:
    what = "the broker moved only what had to move"
    missing = "no third consumer has its share yet"
    for join in joins:
        for _, has in join.states:
            all_of_them = frozenset().union(*(one.partitions for one in has.values()))
            if len(has) == 3 and len(all_of_them) == PARTITIONS and len(has[NEW].partitions) == PARTITIONS // 3:
                kept = sum(len(join.before[client] & has[client].partitions) for client in (QUICK, SLOW))
                why = f"{PARTITIONS - kept} of {PARTITIONS} partitions: {NEW} has {sorted(has[NEW].partitions)}"
                if kept == PARTITIONS - PARTITIONS // 3:
                    return Goal(what, True, why)
                missing = why
    return Goal(what, False, missing, f"{PROTOCOLS}   (let it run to its end)")


def _migrated(events: list[Event]) -> Iterator[Goal]:
    both, done = "a group had members of both kinds", "then all were of the new kind, with all partitions"
    mixed = finished = ""
    group = Group()
    for event in events:
        group.take(event)
        old, new = group.clients(classic=True), group.clients(classic=False)
        if old and new and not mixed:
            mixed = f"epoch {group.epoch}, {', '.join(old)} of the classic kind, {', '.join(new)} of the new"
        # By member: two may have the same client id.
        owned = [(one.client_id, sorted(group.has[i].partitions)) for i, one in group.members.items() if i in group.has]
        partitions = sorted(partition for _, mine in owned for partition in mine)
        if mixed and not old and len(new) >= 2 and partitions == list(range(PARTITIONS)):
            finished = f"epoch {group.epoch}, " + ", ".join(f"{client} {mine}" for client, mine in sorted(owned))
            break
    yield Goal(both, bool(mixed), mixed or f"{named('migration')} has had none yet", MIGRATION)
    missing = "the last classic one has not left yet" if mixed else "there is no such group yet"
    yield Goal(done, bool(finished), finished or missing, f"{MIGRATION}   (let it run to its end)")
