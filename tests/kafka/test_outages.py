"""Broker or topic missing: a clear line, and the programs recover by themselves. On separate local brokers."""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import AdminClient

from brokers.local import LocalBroker
from brokers.ports import free_ports
from plumbing.kafka import client_config
from tests.brokers import TOPIC, listeners, local_broker, with_topic
from tests.programs import consumer, producer, wait_until


@pytest.fixture
def broker(tmp_path):
    broker = local_broker(tmp_path)
    yield broker
    broker.stop()


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot pause a process with a signal")
def test_every_member_returns_to_a_broker_that_hung(broker, group):
    """A broker that hangs is fenced; when it continues, it may report for a moment that the cluster has no brokers.
    librdkafka then forgets the one it knew, and has to start over with the bootstrap servers."""
    broker.start()
    servers = with_topic(broker.bootstrap_servers)
    config = client_config(servers) | {"group.id": group, "session.timeout.ms": 6000, "heartbeat.interval.ms": 500}
    admin = AdminClient(client_config(servers))
    members = [Consumer(config) for _ in range(8)]
    over = threading.Event()

    def poll() -> None:
        while not over.is_set():
            for member in members:
                member.poll(0.02)

    def present() -> int:
        with contextlib.suppress(KafkaException, TimeoutError):
            return len(admin.describe_consumer_groups([group], request_timeout=5)[group].result(10).members)
        return 0

    for member in members:
        member.subscribe([TOPIC])
    with ThreadPoolExecutor(1) as polling:
        polling.submit(poll)
        try:
            for _ in range(3):
                wait_until(lambda: present() == len(members), "all members")
                os.kill(broker.process.pid, signal.SIGSTOP)
                time.sleep(7)  # longer than their sessions, and the broker's own with the controller
                os.kill(broker.process.pid, signal.SIGCONT)
                time.sleep(7)  # for the group to notice the missing member
            wait_until(lambda: present() == len(members), "all members again")
        finally:
            over.set()


STRANDED = """
import time
import confluent_kafka, consumer

class Stranded(confluent_kafka.Consumer):  # the first one: after its first like, it is out of the group for good
    first = True

    def subscribe(self, topics, on_lost, **others):
        self.on_lost, self.stays, self.is_out = on_lost, not Stranded.first, False
        Stranded.first = False
        super().subscribe(topics, on_lost=on_lost, **others)

    def poll(self, seconds):
        if self.is_out:
            time.sleep(seconds)
            return None
        message = super().poll(seconds)
        if message is not None and not message.error() and not self.stays:
            self.unsubscribe()
            super().poll(1)
            self.is_out = True
            self.on_lost(self, [confluent_kafka.TopicPartition("likes", n) for n in range(3)])
        return message

    def store_offsets(self, **others):
        if not self.is_out:
            super().store_offsets(**others)

    def close(self):
        if self.is_out:
            time.sleep(3600)
        super().close()

from plumbing import lasting_consumer
lasting_consumer.Consumer, lasting_consumer.STRANDED_SECONDS = Stranded, 5
consumer.main()
"""


def test_a_member_that_does_not_come_back_is_replaced(kafka, start, group, click):
    member = start(consumer(kafka, group, code=STRANDED))
    member.wait_for("^Assigned: ")
    click()
    member.wait_for("^Lost: ")
    member.wait_for(f"^Not in the group {group}. Joining it as a new member")
    member.wait_for(r"^Assigned: partitions=\[0, 1, 2\]", times=2)
    member.wait_for_likes({click()["order"]})
    assert member.interrupt() == 0


class Line:
    """A relay between the programs and the broker; drop() silently kills its current connections, as when a laptop
    sleeps. Later ones work."""

    def __init__(self, port: int, broker_port: int):
        self._dead: set[socket.socket] = set()
        self._open: set[socket.socket] = set()
        self._broker_port = broker_port
        self._listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def drop(self) -> None:
        self._dead |= self._open

    def close(self) -> None:
        for end in (self._listener, *self._open):
            self._end(end)
            end.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                near = self._listener.accept()[0]
                self._open.add(near)
                far = socket.create_connection(("127.0.0.1", self._broker_port))
                self._open.add(far)
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while (data := source.recv(65536)) and source not in self._dead:
                target.sendall(data)
        if source not in self._dead:
            self._end(source)
            self._end(target)

    @staticmethod
    def _end(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


class BrokerBehindALine(LocalBroker):
    def __init__(self, folder):
        super().__init__(folder, listeners(free_ports(3)))
        self.advertised = free_ports(1)[0]
        self.line = Line(self.advertised, self.port)

    def settings(self) -> dict[str, str]:
        settings = super().settings()
        name = "advertised.listeners"
        return settings | {name: settings[name].replace(f":{self.port}", f":{self.advertised}")}


def test_a_connection_that_died_silently_is_replaced(tmp_path, start, group):
    broker = BrokerBehindALine(tmp_path)
    with contextlib.closing(broker.line), broker as servers:
        with_topic(servers)
        member, api = start(consumer(servers, group)), start(producer(servers))
        api.wait_until_it_answers()
        assert requests.post(f"{api.url}/like", timeout=20).status_code == 201
        member.wait_for_likes({1})
        broker.line.drop()

        def click() -> requests.Response:
            return requests.post(f"{api.url}/like", timeout=20)

        confirmed = wait_until(lambda: (answer := click()).status_code == 201 and answer.json(), "a like", 40)
        member.wait_for_likes({confirmed["order"]}, 40)  # librdkafka's own default needs 62 s
