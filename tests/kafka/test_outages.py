"""Broker or topic away: a clear line, and the programs go on by themselves. On a local broker of their own."""

import pytest
import requests

from tests.brokers import local_broker, with_topic
from tests.programs import consumer, producer


@pytest.fixture
def broker(tmp_path):
    broker = local_broker(tmp_path)
    yield broker
    broker.stop()


def test_programs_started_first_wait_for_broker_and_topic(broker, start, group):
    servers = broker.bootstrap_servers
    member, api = start(consumer(servers, group)), start(producer(servers))
    member.wait_for(f"^No broker answers on {servers}. Start it: python run.py")
    api.wait_for("^Producer on ")
    refused = requests.post(f"{api.url}/like", timeout=20)
    assert refused.status_code == 503
    assert refused.json() == {
        "error": f"no broker answers on {servers}",
        "hint": "start it: python run.py, or start_kafka.bat",
    }
    assert requests.get(f"{member.url}/health", timeout=10).status_code == 503

    broker.start()
    member.wait_for("^The topic likes is missing. Create it: python run.py topic")
    refused = requests.post(f"{api.url}/like", timeout=20)
    assert (refused.status_code, refused.json()["error"]) == (503, "the topic likes is missing")

    with_topic(servers)
    member.wait_for_status(lambda status: status["assignment"] == [0, 1, 2])
    api.wait_until_it_answers()
    assert requests.post(f"{api.url}/like", timeout=20).json()["order"] == 1
    member.wait_for_likes({1})


def test_a_broker_that_dies_costs_no_confirmed_like(broker, start, group):
    broker.start()
    servers = with_topic(broker.bootstrap_servers)
    member, api = start(consumer(servers, group)), start(producer(servers))
    api.wait_until_it_answers()
    assert requests.post(f"{api.url}/like", timeout=20).status_code == 201
    member.wait_for_likes({1})
    broker.kill()
    refused = requests.post(f"{api.url}/like", timeout=20)
    assert refused.status_code == 503
    assert "click again" in refused.json()["hint"]
    member.wait_for("^No broker answers")

    broker.start()
    member.wait_for("^Kafka answers again|^Assigned")
    api.wait_until_it_answers()
    confirmed = requests.post(f"{api.url}/like", timeout=20).json()
    assert confirmed["order"] > 1
    member.wait_for_likes({confirmed["order"]})
    assert member.interrupt() == 0
