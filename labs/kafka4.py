"""What a lab needs that Kafka 3.7 does not have: the new rebalance protocol, share groups."""

from labs.checks import Goal
from plumbing import Problem
from plumbing.version import is_kafka_4

WHAT = "this lab needs Kafka 4, and the broker is an older one"
START = "python run.py --kafka 4"
LABS = (15, 16)  # those that need it
HOW = f"end the broker (quit, in the terminal of run.py), then: {START}"


def need() -> None:
    """For a program of such a lab. Raises `Problem` unless a Kafka 4 or no broker answers; the latter, each program
    reports itself."""
    if is_kafka_4() is False:
        raise Problem(WHAT, HOW)


def missing() -> Goal | None:
    """For the check of such a lab: the goal that stands for all others while the broker is no Kafka 4. Without a broker
    None, as what the check asks next reports that."""
    return Goal("a broker of Kafka 4", False, WHAT, HOW) if is_kafka_4() is False else None
