"""For labs on what Kafka 3.7 lacks: the new rebalance protocol, share groups."""

from labs.checks import Goal
from plumbing import Problem
from plumbing.version import is_kafka_4

WHAT = "this lab needs Kafka 4, and the broker is an older one"
START = "python run.py --kafka 4"
LABS = (15, 16)
HOW = f"end the broker (quit, in the terminal of run.py), then: {START}"


def need() -> None:
    """For programs. Raises `Problem` if a broker answers that is not Kafka 4; programs report a missing broker
    themselves."""
    if is_kafka_4() is False:
        raise Problem(WHAT, HOW)


def missing() -> Goal | None:
    """For checks: the goal that replaces all others while the broker is not Kafka 4. None without a broker, which the
    check reports itself."""
    return Goal("a broker of Kafka 4", False, WHAT, HOW) if is_kafka_4() is False else None
