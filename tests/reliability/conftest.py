"""The shared broker, for tests that break things."""

import pytest

from tests.brokers import recreate
from tests.reliability.trial import Trial


@pytest.fixture(scope="package")
def broker(shared_broker):
    """One that a test may stop and kill, and that runs again when the test ends."""
    recreate(shared_broker.bootstrap_servers)
    yield shared_broker
    recreate(shared_broker.bootstrap_servers)  # hundreds of thousands of likes, which other tests would read


@pytest.fixture(scope="module")
def trials(broker):
    """The programs of the last test, unless it failed."""
    kept: list[Trial] = []
    yield kept
    for trial in kept:
        trial.close()


@pytest.fixture
def trial(broker, trials, request):
    """The programs on that broker, under continuous clicks."""
    if trials:
        trials[0].begin(request.node.name)
    else:
        trials.append(Trial(broker.bootstrap_servers, request.node.name))
    (trial,) = trials
    yield trial
    if not trial.finished:
        trials.clear()
        trial.close()
    if not broker.running:
        broker.start()


@pytest.fixture
def long(request) -> bool:
    """True if the long versions were requested: `python run.py test tests/reliability --long`."""
    return request.config.getoption("--long")
