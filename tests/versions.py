"""Which Kafka the fixtures start."""

from brokers.jars import LESSONS

chosen = LESSONS  # unless pytest is called with --kafka


def options() -> list[str]:
    """What `run.py` needs to start that one."""
    return [] if chosen == LESSONS else ["--kafka", str(chosen)]
