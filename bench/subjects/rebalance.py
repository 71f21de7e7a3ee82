"""How long a partition has no owner when a consumer stops, crashes or comes back."""

import re
from collections.abc import Iterator
from time import perf_counter, sleep

from bench import programs
from bench.cluster import Bench, new_group
from bench.harness import Line, Spread
from brokers.ports import free_ports
from consumer import CONFIG

TITLE = "time without an owner in a rebalance"
MOVED = re.compile(r"(Assigned|Revoked|Lost): partitions=\[([\d, ]*)\]")
SLACK_MS = 300
QUIET_SECONDS = 1.0  # without a change: the group is at rest


def measure(bench: Bench) -> Iterator[Line]:
    heartbeat = CONFIG["heartbeat.interval.ms"]
    with bench.topic() as topic:
        group = _Group(bench, topic)
        try:
            group.start(0, 1, 2)
            gaps = {"stop": [], "kill": [], "restart": []}
            for _ in range(bench.sized(5, 1)):
                for way in ("stop", "kill") if not bench.quick else ("stop",):
                    gaps[way].append(group.end(0, way))
                    gaps["restart"].append(group.start(0))
        finally:
            group.stop()
    limits = {
        "stop": ("clean stop", heartbeat, "heartbeat interval"),
        "kill": ("kill -9", CONFIG["session.timeout.ms"] + heartbeat, "session timeout + heartbeat interval"),
        "restart": ("restart", heartbeat, "heartbeat interval"),
    }
    for way, (what, limit, name) in limits.items():
        if gaps[way]:
            took = Spread.of(gaps[way])
            target = {"target": f"at most {SLACK_MS} ms over the limit", "met": took.median <= limit + SLACK_MS}
            yield Line("rebalance", what, took, "ms", f"limit: {name}", Spread.of([limit]), **target)


class _Group:
    """Three consumers, started and ended one by one; their lines about partitions are followed."""

    def __init__(self, bench: Bench, topic: str):
        self.bench, self.topic, self.group = bench, topic, new_group()
        self.ports = sorted(free_ports(3))
        self.members: list[programs.Program | None] = [None, None, None]

    def start(self, *numbers: int) -> float:
        """Start members and wait until all three have their partitions; the longest time in ms in which a
        partition had no owner, from the first that was revoked for it."""
        since = perf_counter()
        for number in numbers:
            self.members[number] = programs.consumer(self.bench.servers, self.topic, self.group, self.ports[number])
        return self._longest_gap(since, {number: [number] for number in range(3)})

    def end(self, number: int, way: str) -> float:
        """End a member; the longest time in ms in which a partition had no owner."""
        member, self.members[number] = self.members[number], None
        since = perf_counter()
        member.kill() if way == "kill" else member.stop()
        dead = {number: since} if way == "kill" else {}
        others = [other for other in range(3) if other != number]
        return self._longest_gap(since, {others[0]: [0, 1], others[1]: [2]}, dead, member)

    def _longest_gap(self, since: float, wanted: dict, without: dict | None = None, gone=None) -> float:
        for number, partitions in wanted.items():
            self.members[number].wait_for(rf"Assigned: partitions=\{partitions}", since)
        while perf_counter() - max(at for at, *_ in self._moves(since, gone)) < QUIET_SECONDS:
            sleep(0.05)
        without, gaps = dict(without or {}), [0.0]
        for at, event, partitions in self._moves(since, gone):
            for partition in partitions:
                if event != "Assigned":
                    without.setdefault(partition, at)
                elif partition in without:
                    gaps.append(at - without.pop(partition))
        return max(gaps) * 1000

    def _moves(self, since: float, gone: programs.Program | None) -> list[tuple[float, str, list[int]]]:
        return sorted(
            (at, match[1], [int(partition) for partition in match[2].split(", ") if partition])
            for member in [*self.members, gone]
            if member
            for at, line in list(member.lines)
            if at >= since and (match := MOVED.match(line))
        )

    def stop(self) -> None:
        for member in filter(None, self.members):
            member.stop()
