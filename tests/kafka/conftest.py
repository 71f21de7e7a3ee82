"""A learner with separate topics and groups, on a broker that other tests also use."""

import uuid
from functools import partial

import pytest

from brokers.jars import CURRENT, LESSONS
from settings import CHOSEN_BOOTSTRAP_SERVERS
from tests import versions
from tests.brokers import local_broker, with_topic
from tests.programs import run_py as run_py_to_its_end


def new_learner() -> str:
    return f"learner-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def learner(kafka, monkeypatch) -> str:
    """On the tests' broker, which is then also that of this process."""
    monkeypatch.setattr("settings.BOOTSTRAP_SERVERS", kafka)
    return new_learner()


@pytest.fixture
def run_py(kafka, learner):
    """`run_py(*arguments)`: `python run.py ...` as this learner; returns its exit code and output."""
    return partial(run_py_to_its_end, kafka, learner)


@pytest.fixture(scope="session")
def kafka_4(tmp_path_factory):
    """The address of a Kafka 4 broker, whichever version the other tests use."""
    with local_broker(tmp_path_factory.mktemp("kafka4"), CURRENT) as servers:
        yield with_topic(servers)


@pytest.fixture
def kafka_3(request, tmp_path):
    """The address of a Kafka 3.7 broker, whichever version the other tests use."""
    if versions.chosen == LESSONS and not CHOSEN_BOOTSTRAP_SERVERS:
        yield request.getfixturevalue("kafka")
    else:
        with local_broker(tmp_path / "kafka 3", LESSONS) as servers:
            yield with_topic(servers)


@pytest.fixture
def learner_on_4(kafka_4) -> str:
    return new_learner()


@pytest.fixture
def run_py_on_4(kafka_4, learner_on_4):
    """As `run_py`, on Kafka 4."""
    return partial(run_py_to_its_end, kafka_4, learner_on_4)
