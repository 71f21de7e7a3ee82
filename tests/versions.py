"""Which Kafka the fixtures start: a plugin of pytest, loaded by conftest.py. tests/scheduling.py has the option."""

from brokers.jars import LESSONS

chosen = LESSONS


def pytest_configure(config):
    global chosen
    chosen = config.getoption("--kafka")


def options() -> list[str]:
    """What `run.py` needs to start that one."""
    return [] if chosen == LESSONS else ["--kafka", str(chosen)]
