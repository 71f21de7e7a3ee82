"""The state of a consumer group and the rebalances that led to it, as plain data from the watcher to the page.

There are two clocks. `at` is the time of day in Unix seconds, for display only. `tick` is time.monotonic(), for
durations: it does not jump when the computer's clock is set.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """A record of the topic; `order` and `ts_ms` are None if it is not a like."""

    offset: int
    order: int | None
    ts_ms: int | None


@dataclass(frozen=True)
class Partition:
    """A partition with its offsets; `owner` is the client id of the member it is assigned to. Events before `start`
    were deleted."""

    number: int
    end: int
    committed: int | None
    owner: str | None
    events: tuple[Event, ...] = ()
    start: int = 0

    @property
    def beyond_end(self) -> bool:
        """True if the committed offset is not in this log: auto.offset.reset sends a group that resumes there to
        `start` or `end`."""
        return self.committed is not None and self.committed > self.end

    @property
    def lag(self) -> int:
        """Events that the group has not committed and can still read; all of them before its first commit."""
        if self.committed is None or not self.start <= self.committed <= self.end:
            return self.end - self.start
        return self.end - self.committed


@dataclass(frozen=True)
class Member:
    """A consumer that is in the group, was in it, or is expected on its port.

    state: consuming, idle (more members than partitions), joining, silent (no answer; the broker notices in at most
    `seconds_left`), left, timed out, left or timed out (a client without a port), not started
    """

    client_id: str
    port: int | None
    partitions: tuple[int, ...]
    state: str
    seconds_left: float | None = None


@dataclass(frozen=True)
class Rebalance:
    """A change of members or owners: `before` and `after` map partition to client id. `without_owner` is the longest
    time in seconds that a partition had no owner, as precisely as polling a few times a second can tell."""

    at: float
    causes: tuple[str, ...]
    before: dict[int, str]
    after: dict[int, str]
    without_owner: float


@dataclass(frozen=True)
class Sample:
    """The topic and the group at one time: sums over the partitions."""

    tick: float
    end: int
    committed: int
    lag: int


@dataclass(frozen=True)
class Snapshot:
    """All that is known. If something is missing, `problem` says what and `hint` what to do; the rest is then the last
    known state, from the time `at`."""

    at: float = 0.0
    tick: float = float("-inf")
    problem: str = "looking for the broker"
    hint: str = ""
    partitions: tuple[Partition, ...] = ()
    members: tuple[Member, ...] = ()
    rebalances: tuple[Rebalance, ...] = ()
    samples: tuple[Sample, ...] = ()


def port_of(client_id: str) -> int | None:
    """The port of the consumer's HTTP API; None for a client other than consumer.py.

    Each port belongs to one client id: `consumer-05002` is another client, not a second consumer on port 5002.
    """
    found = re.fullmatch(r"consumer-([1-9][0-9]{0,4})", client_id)
    return int(found[1]) if found and int(found[1]) < 2**16 else None
