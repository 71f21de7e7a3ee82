"""A broker whose advertised.listeners lead nowhere: everything says so at once, with the address."""

import time

import pytest
import requests
from confluent_kafka import KafkaException

from brokers.local import LocalBroker
from brokers.ports import free_ports
from page.watcher import GroupWatcher
from plumbing.kafka import admin_client, client_config
from tests.brokers import listeners
from tests.programs import consumer, producer, run_py
from tests.scheduling import rest_repeats

AT_ONCE = 30  # seconds; without the check it takes a minute


class MisdirectingBroker(LocalBroker):
    """It advertises a name that nobody knows."""

    advertised = "kafka.invalid:9092"

    def settings(self) -> dict[str, str]:
        found = super().settings()
        true, wrong = f"EXTERNAL://localhost:{self.port}", f"EXTERNAL://{self.advertised}"
        assert true in found["advertised.listeners"]
        return found | {"advertised.listeners": found["advertised.listeners"].replace(true, wrong)}

    def answers(self) -> bool:
        try:
            return bool(admin_client(self.bootstrap_servers).list_topics(timeout=1.0).brokers)
        except KafkaException:
            return False


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with (broker := MisdirectingBroker(tmp_path_factory.mktemp("advertised"), listeners(free_ports(3)))):
        yield broker


@pytest.fixture
def words(broker) -> str:
    return (
        f"the broker on {broker.bootstrap_servers} sends its clients (advertised.listeners) to {broker.advertised}, "
        "where the name kafka.invalid is unknown here"
    )


COMMANDS = [[], ["topic"], ["doctor"], ["labs/click.py"], ["check", "1"]]


@pytest.mark.parametrize("command", rest_repeats(COMMANDS))
def test_each_command_names_the_address_and_what_is_wrong_with_it(broker, words, command, monkeypatch):
    for name in ("PRODUCER_PORT", "CONSUMER_PORT", "PAGE_PORT"):
        monkeypatch.setenv(name, str(free_ports(1)[0]))
    started = time.monotonic()
    code, printed = run_py(broker.bootstrap_servers, "labs", *command)
    assert time.monotonic() - started < AT_ONCE
    assert code == 1
    assert "Traceback" not in printed
    assert words in printed
    assert f"let the broker advertise an address that works from here, such as {broker.bootstrap_servers}" in printed


@pytest.mark.slow
def test_producer_consumer_and_page_name_it(broker, words, start, group):
    api, member = start(producer(broker.bootstrap_servers)), start(consumer(broker.bootstrap_servers, group))
    api.wait_for("^Producer on ")
    sentence = words[:1].upper() + words[1:]
    for _ in range(2):
        refused = requests.post(f"{api.url}/like", timeout=20)
        assert refused.status_code == 503
        assert words in refused.json()["error"]
    line = member.wait_for("^The broker on ")[0].string
    assert sentence in line
    assert words in requests.get(f"{member.url}/health", timeout=20).json()["error"]
    watcher = GroupWatcher(client_config(broker.bootstrap_servers), group)
    try:
        assert sentence in watcher.look().problem
    finally:
        watcher.close()
    assert [line for line in member.lines if not line.startswith("Consumer on")] == [line]
