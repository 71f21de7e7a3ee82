"""A separate broker for the tests that break things."""

import pytest

from tests.brokers import local_broker, with_topic
from tests.reliability.trial import Trial


@pytest.fixture(scope="package")
def broker(tmp_path_factory):
    """A local broker that a test may stop and kill, and that runs again when the test ends."""
    broker = local_broker(tmp_path_factory.mktemp("reliability"))
    broker.start()
    with_topic(broker.bootstrap_servers)
    yield broker
    broker.stop()


@pytest.fixture
def trial(broker, request):
    """The programs on that broker, under continuous clicks."""
    trial = Trial(broker.bootstrap_servers, request.node.name)
    yield trial
    trial.close()
    if not broker.running:
        broker.start()


@pytest.fixture
def long(request) -> bool:
    """True if the long versions were requested: `python run.py test tests/reliability --long`."""
    return request.config.getoption("--long")
