"""Lab 14: Lag and scaling."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from labs.checks import Goal, Leaves
from labs.evidence import Evidence
from labs.internals.history import Generation, History
from labs.topics import named

LAG = "python run.py labs/lab_14_throughput/lag.py"
TO_ITS_END = "let it run to its end"
MUCH = 100  # likes that the lag has to grow by, or to start from when it falls
LEAVES = Leaves((named("lag"),), (named("lag"),))


def goals(seen: Evidence) -> Iterator[Goal]:
    topic = named("lag")
    history, partitions = seen.history(topic), seen.partitions(topic)
    periods = _periods(seen, topic, history)
    what = "with one reader, the lag grows"
    alone = [period for period in periods if len(period.generation.members) == 1]
    grown = max(alone, key=lambda period: period.last - period.first, default=None)
    yield _goal(what, grown and grown.last - grown.first >= MUCH, grown, topic, "no reader was ever alone")

    what = "with one reader per partition, it falls"
    full = [period for period in periods if len(set(period.generation.owners(topic).values())) == partitions > 1]
    fallen = max(full, key=lambda period: period.first - period.last, default=None)
    reached = fallen and fallen.first >= MUCH and fallen.last <= fallen.first / 2
    yield _goal(what, reached, fallen, topic, "there were never as many readers as partitions")

    what = "an extra reader is idle"
    idle = [one for one in history.generations if one.members and len(one.members) > partitions > 1]
    why = idle[-1].summary(topic) if idle else "there were never more readers than partitions"
    yield Goal(what, bool(idle), why, f"{LAG}   ({TO_ITS_END})")


class Lag:
    """The lag at a given time: likes written minus likes committed by then."""

    def __init__(self, seen: Evidence, topic: str, history: History):
        self.written: dict[int, list[int]] = {}  # partition -> times, in log order
        self.first: dict[int, int] = {}
        for record in sorted(seen.records(topic), key=lambda record: record.offset()):
            self.written.setdefault(record.partition(), []).append(record.timestamp()[1])
            self.first.setdefault(record.partition(), record.offset())
        self.commits = history.commits_of(topic)

    def at(self, ms: int) -> int:
        return sum(self._of(partition, ms) for partition in self.written)

    def _of(self, partition: int, ms: int) -> int:
        committed = [commit.offset for commit in self.commits.get(partition, ()) if commit.at_ms <= ms]
        end = self.first[partition] + bisect_right(self.written[partition], ms)
        return max(0, end - (committed[-1] if committed else self.first[partition]))


@dataclass(frozen=True)
class Period:
    """From one generation with members to the next, with the lag at both ends. The last one ends with its last
    commit."""

    generation: Generation
    seconds: float
    first: int
    last: int

    def summary(self, topic: str) -> str:
        return f"from {self.first} to {self.last} in {self.seconds:.0f} s, {self.generation.summary(topic)}"


def _periods(seen: Evidence, topic: str, history: History) -> list[Period]:
    lag = Lag(seen, topic, history)
    ends = [following.at_ms for _, following in pairwise(history.generations)]
    ends += [max((commit.at_ms for commit in history.commits), default=0)]
    return [
        Period(one, (end - one.at_ms) / 1000, lag.at(one.at_ms), lag.at(end))
        for one, end in zip(history.generations, ends, strict=False)
        if one.members and end > one.at_ms
    ]


def _goal(what: str, reached, period: Period | None, topic: str, missing: str) -> Goal:
    if period is None:
        return Goal(what, False, missing, f"{LAG}   ({TO_ITS_END})")
    following = f"undo your changes in lag.py, if there are any, then {LAG}   ({TO_ITS_END})"
    return Goal(what, bool(reached), period.summary(topic), following)
