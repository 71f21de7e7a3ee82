"""A broker behind TLS, passwords and access rules: who has the right ones gets in, with the programs unchanged."""

import os
import re

import pytest
import requests
from confluent_kafka.admin import AdminClient

from brokers import client_config
from tests.conftest import create_topic, secured_broker
from tests.programs import consumer, producer


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    broker = secured_broker(tmp_path_factory.mktemp("secured"))
    with broker:
        create_topic(AdminClient(client_config(broker.bootstrap_servers, broker.client_properties)))
        yield broker


def test_the_programs_get_in_with_a_client_properties(secured, start, group, monkeypatch):
    monkeypatch.setenv("KAFKA_CLIENT_CONFIG", str(secured.client_properties))
    api, member = start(producer(secured.bootstrap_servers)), start(consumer(secured.bootstrap_servers, group))
    api.wait_until_it_answers()
    like = requests.post(f"{api.url}/like", timeout=20).json()
    assert like["order"] == 1
    member.wait_for_likes({1})
    assert requests.get(f"{member.url}/health", timeout=10).ok


def test_passwords_are_for_nobody_else(secured):
    secret = secured.client_properties.read_text(encoding="utf-8")
    password = re.search("sasl.password=(.+)", secret)[1]
    assert len(password) >= 24
    if os.name != "nt":
        assert secured.folder.stat().st_mode & 0o077 == 0
    assert password not in secured.log.read_text(encoding="utf-8")
