"""The history of a consumer group of the new protocol (KIP-848), read from Kafka's internal topic `__consumer_offsets`.

This protocol has no generations. The broker writes separate records for the group's epoch, its members, and the epoch
and partitions of each member. (This module expects groups that read one topic.) `history` reads the records of classic
groups.

The record formats: ConsumerGroupMetadata..., ConsumerGroupMemberMetadata... and ConsumerGroupCurrentMemberAssignment...
in https://github.com/apache/kafka/tree/4.0/group-coordinator/src/main/resources/common/message
"""

from collections.abc import Iterator
from dataclasses import dataclass

from labs.internals import groups
from labs.internals.groups import Groups
from labs.internals.history import RESET, commit_of
from labs.internals.wire import Reader

COMMITS, GROUP, MEMBER, ASSIGNMENT = (0, 1), 3, 5, 8  # record types: the first field of the key
CLASSIC = 0  # the tag of a structure: it begins with 1 for a classic member, is 0 otherwise


@dataclass(frozen=True)
class Epoch:
    """The group reached this epoch because members came or went. 0: the group no longer uses this protocol."""

    at_ms: int
    number: int


@dataclass(frozen=True)
class Joined:
    at_ms: int
    member_id: str
    client_id: str
    classic: bool  # uses the classic protocol


@dataclass(frozen=True)
class Left:
    at_ms: int
    member_id: str


@dataclass(frozen=True)
class Assigned:
    """A member's partitions at its epoch, and those it must still give up to reach the next one."""

    at_ms: int
    member_id: str
    epoch: int
    partitions: frozenset[int]
    to_give_up: frozenset[int] = frozenset()


Event = Epoch | Joined | Left | Assigned


def of(group: str, known: Groups | None = None) -> list[Event]:
    """The group's history as far as the broker still has it, oldest first, since the last reset: from what is `known`,
    or as it is now. Raises KafkaException."""
    events: list[Event] = []
    for record in (known or groups.known()).of(group):
        key = Reader(record.key)
        kind = key.int16()
        key.string()  # the group
        if kind not in (*COMMITS, GROUP, MEMBER, ASSIGNMENT):
            continue
        if kind in COMMITS:
            partition = key.string() or "", key.int32()
            if record.value and commit_of(*partition, Reader(record.value)).metadata == RESET:
                events.clear()
        else:
            member_id = "" if kind == GROUP else key.string() or ""
            events += _events(kind, record.at_ms, member_id, record.value)
    return events


def _events(kind: int, at_ms: int, member_id: str, value: bytes | None) -> Iterator[Event]:
    if value is None:  # a tombstone: the broker deleted it
        if kind == GROUP:
            yield Epoch(at_ms, 0)
        elif kind == MEMBER:
            yield Left(at_ms, member_id)
        return
    reader = Reader(value)
    reader.int16()  # version
    if kind == GROUP:
        yield Epoch(at_ms, reader.int32())
    elif kind == MEMBER:
        yield Joined(at_ms, member_id, *_member(reader))
    else:
        yield Assigned(at_ms, member_id, *_assignment(reader))


def _member(reader: Reader) -> tuple[str, bool]:
    """Client id, and True for the classic protocol."""
    reader.compact_string(), reader.compact_string()  # instance, rack
    client_id = reader.compact_string()
    reader.compact_string()  # host
    for _ in range(reader.count()):
        reader.compact_string()  # a topic
    reader.compact_string()  # topics by a pattern
    reader.int32()  # rebalance timeout
    reader.compact_string()  # assignor
    return client_id or "", reader.tags().get(CLASSIC, b"").startswith(b"\1")


def _assignment(reader: Reader) -> tuple[int, frozenset[int], frozenset[int]]:
    epoch = reader.int32()
    reader.int32()  # the epoch before
    reader.int8()  # state
    return epoch, _partitions(reader), _partitions(reader)


def _partitions(reader: Reader) -> frozenset[int]:
    found: set[int] = set()
    for _ in range(reader.count()):
        reader.raw(16)  # the id of the topic
        found |= {reader.int32() for _ in range(reader.count())}
        reader.tags()
    return frozenset(found)
