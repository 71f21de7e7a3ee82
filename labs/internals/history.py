"""The history of a consumer group, read from Kafka's internal topic `__consumer_offsets`.

For each group, the coordinator writes every commit there, and every generation with its members and their partitions.
The log is compacted only after a segment is closed: at 100 MB or, by Kafka's default, after 7 days; the brokers of this
project do not close segments by age (log.roll.hours). Until then, everything is there.

The record formats: OffsetCommitKey, OffsetCommitValue, GroupMetadataKey and GroupMetadataValue in
https://github.com/apache/kafka/tree/3.7/core/src/main/resources/common/message and, for Kafka 4, in
group-coordinator/src/main/resources; the subscription and assignment in ConsumerProtocolAssignment of clients/.
"""

from dataclasses import dataclass, field

from labs.internals import groups
from labs.internals.groups import Groups
from labs.internals.wire import Reader
from plumbing.offsets import LABEL

RESET = "labs reset"  # metadata of a commit: what the group did before no longer counts


@dataclass(frozen=True)
class Member:
    """A member of one generation, with its (topic, partition) pairs. `instance_id` is None for a dynamic member.
    `max_poll_ms` is its max.poll.interval.ms, which is also how long a rebalance waits for it."""

    member_id: str
    client_id: str
    instance_id: str | None
    partitions: frozenset[tuple[str, int]]
    max_poll_ms: int = 0


@dataclass(frozen=True)
class Generation:
    """An assignment that all members agreed on at `at_ms`. `protocol` names the assignor."""

    number: int
    at_ms: int
    protocol: str | None
    members: tuple[Member, ...]

    def owners(self, topic: str) -> dict[int, str]:
        """Partition -> client id."""
        return {p: member.client_id for member in self.members for t, p in member.partitions if t == topic}

    def clients(self) -> list[str]:
        return sorted(member.client_id for member in self.members)

    def summary(self, topic: str) -> str:
        """`generation 7: consumer-5002 [0, 1], consumer-5003 [2]`"""
        members = {member.client_id: sorted(p for t, p in member.partitions if t == topic) for member in self.members}
        owned = ", ".join(f"{client_id} {partitions}" for client_id, partitions in sorted(members.items()))
        return f"generation {self.number}: {owned}"


@dataclass(frozen=True)
class Commit:
    """A committed offset, the next one the group would read, and the metadata that the consumer added, if any."""

    topic: str
    partition: int
    offset: int
    metadata: str
    at_ms: int

    @property
    def is_read(self) -> bool:
        """True if a program of this project has read up to here. Kafka's tools, which only move a group, leave no
        label; replay.py's label says that it moved the group, or where it started."""
        return self.metadata.startswith(LABEL)


@dataclass
class History:
    """All generations and commits of one group, oldest first."""

    generations: list[Generation] = field(default_factory=list)
    commits: list[Commit] = field(default_factory=list)

    def commits_of(self, topic: str) -> dict[int, list[Commit]]:
        """Partition -> its commits, oldest first."""
        found: dict[int, list[Commit]] = {}
        for commit in self.commits:
            if commit.topic == topic:
                found.setdefault(commit.partition, []).append(commit)
        return found


def of(group: str, known: Groups | None = None) -> History:
    """The group's history, as far as the broker still has it, since the last reset: of what is `known`, or now.
    Raises KafkaException."""
    history = History()
    for record in (known or groups.known()).of(group):
        key = Reader(record.key)
        version = key.int16()
        key.string()  # the group
        if version > 2 or record.value is None:  # of the new protocol, or a tombstone
            continue
        value = Reader(record.value)
        if version == 2:
            history.generations.append(_generation(value))
        elif (commit := commit_of(key.string() or "", key.int32(), value)).metadata == RESET:
            history = History()
        else:
            history.commits.append(commit)
    return history


def partition_of(group: str, partitions: int) -> int:
    """The partition of `__consumer_offsets` for this group: by the absolute value of Java's String.hashCode."""
    code = 0
    for character in group:
        code = (31 * code + ord(character)) & 0xFFFFFFFF
    return (code if code < 2**31 else 2**32 - code) % partitions


def commit_of(topic: str, partition: int, value: Reader) -> Commit:
    """From a record's value, an OffsetCommitValue."""
    version = value.int16()
    offset = value.int64()
    if version >= 3:
        value.int32()  # leader epoch
    metadata = value.compact_string() if version >= 4 else value.string()
    metadata = (metadata or "").rstrip("\0")  # Python's client also sends the C string's terminating zero
    return Commit(topic, partition, offset, metadata, value.int64())


def _generation(value: Reader) -> Generation:
    version = value.int16()
    value.string()  # "consumer"
    number, protocol = value.int32(), value.string()
    value.string()  # the leader
    at_ms = value.int64() if version >= 2 else 0
    return Generation(number, at_ms, protocol, tuple(_member(value, version) for _ in range(value.int32())))


def _member(value: Reader, version: int) -> Member:
    member_id = value.string() or ""
    instance_id = value.string() if version >= 3 else None
    client_id = value.string() or ""
    value.string()  # host
    max_poll_ms = value.int32() if version >= 1 else 0
    value.int32()  # session timeout
    value.blob()  # subscription
    return Member(member_id, client_id, instance_id, _partitions(value.blob()), max_poll_ms)


def _partitions(assignment: bytes | None) -> frozenset[tuple[str, int]]:
    if not assignment:
        return frozenset()
    value = Reader(assignment)
    value.int16()  # version
    topics = ((value.string() or "", [value.int32() for _ in range(value.int32())]) for _ in range(value.int32()))
    return frozenset((topic, partition) for topic, partitions in topics for partition in partitions)
