"""A learner of the labs, with topics and groups of their own, on a broker that other tests use, too."""

import uuid
from functools import partial

import pytest

from brokers.jars import CURRENT
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
    """`run_py(*arguments)`: `python run.py ...` as this learner; gives its exit code and what it prints."""
    return partial(run_py_to_its_end, kafka, learner)


@pytest.fixture(scope="module")
def kafka_4(tmp_path_factory):
    """The address of a broker of Kafka 4, whichever version the other tests have."""
    with local_broker(tmp_path_factory.mktemp("kafka4"), CURRENT) as servers:
        yield with_topic(servers)


@pytest.fixture
def learner_on_4(kafka_4) -> str:
    return new_learner()


@pytest.fixture
def run_py_on_4(kafka_4, learner_on_4):
    """As `run_py`, on Kafka 4."""
    return partial(run_py_to_its_end, kafka_4, learner_on_4)
