"""Fair figures on a machine that does other things, too: contenders take turns, and a ratio is taken
within each round, so that what slows the machine down for a while slows both sides."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass


class NotMeasured(Exception):
    """Something cannot be measured here: `str(error)` says why."""


@dataclass(frozen=True)
class Spread:
    """Median, smallest and largest of some values."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Line:
    """A line of the table: our figure, and if there is one, the figure that it is compared with.

    unit     of both figures: "/s", "ms", "s", "%", "MB", "us"
    ratio    ours / theirs, round by round
    target   in words; empty for a figure without a target, whose `met` is None
    """

    subject: str
    what: str
    ours: Spread
    unit: str
    against: str = ""
    theirs: Spread | None = None
    ratio: Spread | None = None
    target: str = ""
    met: bool | None = None


def interleaved(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, list]:
    """What each contender gives, round by round. Each round starts with another one: whoever comes first
    or last has no advantage."""
    names = list(contenders)
    results = {name: [] for name in names}
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            results[name].append(contenders[name]())
    return results


def compared(subject: str, what: str, unit: str, ours: list[float], against: str, theirs: list[float], **more) -> Line:
    """The line for our figures against theirs; `at_least` is the target for the ratio."""
    ratio = Spread.of([our / their for our, their in zip(ours, theirs, strict=True)])
    at_least = more.pop("at_least", None)
    if at_least is not None:
        more |= {"target": f"ratio at least {at_least:g}", "met": ratio.median >= at_least}
    return Line(subject, what, Spread.of(ours), unit, against, Spread.of(theirs), ratio, **more)


def percentile(values: list[float], percent: float) -> float:
    """The value below which `percent` of them lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)]
