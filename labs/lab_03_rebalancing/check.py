"""Lab 3: Rebalancing."""

from collections.abc import Iterator
from itertools import groupby, pairwise

from labs.checks import Goal, Leaves
from labs.evidence import Evidence
from labs.internals.history import Generation, History
from labs.topics import named
from settings import CONSUMER_PORT, GROUP, TOPIC

FIRST = f"consumer-{CONSUMER_PORT}"
WAITED_MS = 2000  # longer than a running consumer ever leaves a like unread
LEFT_MS = 4000  # a member commits when it leaves; a killed one is removed after session.timeout.ms, 6 s
LEAVES = Leaves((named("flow"),), tuple(map(named, ("range", "cooperative-sticky", "dynamic", "static"))))


def goals(seen: Evidence) -> Iterator[Goal]:
    yield _came_back(seen.history(GROUP))
    yield _waited(seen)
    following = "python run.py labs/lab_03_rebalancing/assignors.py"
    yield _all_given_up(seen.history(named("range")).generations, following)
    yield _some_kept(seen.history(named("cooperative-sticky")).generations, following)
    following = "python run.py labs/lab_03_rebalancing/static_member.py"
    yield _dynamic_restart(seen.history(named("dynamic")).generations, following)
    yield _static_restart(seen.history(named("static")).generations, following)


def _changes(generations: list[Generation]) -> Iterator[tuple[Generation, Generation, Generation]]:
    """Every three consecutive generations, of those whose members differ from the one before."""
    changed = [next(same) for _, same in groupby(generations, Generation.clients)]
    return zip(changed, changed[1:], changed[2:], strict=False)


def _came_back(history: History) -> Goal:
    what = "consumer 1 left and came back"
    missing = f"no generation of {GROUP} without {FIRST} between two with it"
    for one, two, three in _changes(history.generations):
        if two.members and FIRST not in two.clients() and FIRST in one.clients() and FIRST in three.clients():
            if _has_left(history, two):
                return Goal(what, True, f"{two.summary(TOPIC)}; then {three.summary(TOPIC)}")
            missing = f"before generation {two.number}, {FIRST} did not leave: its session timed out, as after a kill"
    return Goal(what, False, missing, "stop 1, then start 1   (in the terminal of run.py)")


def _has_left(history: History, without: Generation) -> bool:
    """True if consumer 1 left before this generation. It has then just committed, as librdkafka does when a member
    gives up partitions; a member whose session timed out had been silent that long."""
    before = history.generations[history.generations.index(without) - 1].owners(TOPIC)
    own = [commit for commit in history.commits if commit.topic == TOPIC and before.get(commit.partition) == FIRST]
    return any(without.at_ms - LEFT_MS <= commit.at_ms <= without.at_ms for commit in own)


def _waited(seen: Evidence) -> Goal:
    """After a kill, unlike a clean stop, likes wait until the session times out: they are written long before the
    generation without the dead member, and committed in it."""
    what = "consumer 1 was killed, and a like waited for a new owner"
    history = seen.history(GROUP)
    commits = history.commits_of(TOPIC)
    likes = seen.records(TOPIC)
    for before, after in pairwise(history.generations):
        if FIRST not in before.clients() or FIRST in after.clients() or not after.members:
            continue
        orphans = [partition for partition, owner in before.owners(TOPIC).items() if owner == FIRST]
        for like in likes:
            waited = after.at_ms - like.timestamp()[1]
            if like.partition() not in orphans or not WAITED_MS <= waited <= 10 * WAITED_MS:
                continue
            read_at = (commit.at_ms for commit in commits.get(like.partition(), ()) if commit.offset > like.offset())
            if next(read_at, 0) >= after.at_ms:
                position = f"partition {like.partition()}, offset {like.offset()}"
                return Goal(what, True, f"{position} waited {waited / 1000:.1f} s for generation {after.number}")
    missing = "no like in its partitions has waited for one"
    return Goal(what, False, missing, "kill 1, immediately like 3, and once these are consumed, start 1")


def _joined(generations: list[Generation], protocol: str) -> Iterator[tuple[Generation, Generation]]:
    """Pairs of consecutive generations, the first with two members, the second with three."""
    for before, after in pairwise(generations):
        if (len(before.members), len(after.members)) == (2, 3) and before.protocol == after.protocol == protocol:
            yield before, after


def _all_given_up(generations: list[Generation], following: str) -> Goal:
    what = "range, a third consumer joins"
    for before, after in _joined(generations, "range"):
        topic = named("flow")
        old, new = before.owners(topic), after.owners(topic)
        moved = [partition for partition, owner in old.items() if new.get(partition) != owner]
        why = f"generation {after.number} moved {len(moved)} of {len(old)} partitions at once"
        return Goal(what, True, why)
    return Goal(what, False, f"there is no such generation of {named('range')}", following)


def _some_kept(generations: list[Generation], following: str) -> Goal:
    what = "cooperative-sticky, a third consumer joins"
    topic = named("flow")
    for before, between in _joined(generations, "cooperative-sticky"):
        old, kept = before.owners(topic), between.owners(topic)
        later = (one for one in generations if one.number > between.number and one.clients() == between.clients())
        # Usually the next one. If a member is slow to give up its share, there can be one more in between.
        after = next((one for one in later if one.owners(topic).keys() == old.keys()), None)
        if after and len(kept) < len(old) and kept.items() <= old.items():
            why = f"generation {between.number} kept {len(kept)} of {len(old)} partitions in place, "
            return Goal(what, True, f"{why}generation {after.number} reassigned the others")
    return Goal(what, False, f"there are no such generations of {named('cooperative-sticky')}", following)


def _dynamic_restart(generations: list[Generation], following: str) -> Goal:
    what = "a restarted member caused two new generations"
    for one, two, three in _changes(generations):
        if one.clients() == three.clients() == ["stays", "updated"] and two.clients() == ["stays"]:
            return Goal(what, True, f"generations {two.number} and {three.number}")
    return Goal(what, False, f"there are no such generations of {named('dynamic')}", following)


def _static_restart(generations: list[Generation], following: str) -> Goal:
    what = "a restarted static member caused none"
    for before, after in pairwise(generations):
        old, new = ({m.instance_id: m.member_id for m in one.members} for one in (before, after))
        same = before.number == after.number and old.keys() == new.keys() == {"stays", "updated"}
        if same and old["updated"] != new["updated"] and before.owners(TOPIC) == after.owners(TOPIC):
            return Goal(what, True, f"generation {after.number} continued with a new process")
    return Goal(what, False, f"there is no such generation of {named('static')}", following)
