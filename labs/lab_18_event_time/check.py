"""Lab 18: Event time, and what comes too late."""

from collections.abc import Iterator

from labs.checks import Goal
from labs.evidence import Evidence
from labs.lab_13_exactly_once.check import LEAVES, OF_LAB_18, of_both_labs

__all__ = ["LEAVES", "goals"]


def goals(seen: Evidence) -> Iterator[Goal]:
    return (goal for goal in of_both_labs(seen) if goal.what in OF_LAB_18)
