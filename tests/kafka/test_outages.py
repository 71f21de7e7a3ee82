"""Broker or topic missing: a clear line, and the programs recover by themselves. On separate local brokers."""

import contextlib
import select
import socket
import socketserver
import threading

import pytest
import requests

from brokers.local import LocalBroker
from brokers.ports import free_ports
from tests.brokers import listeners, local_broker, with_topic
from tests.programs import consumer, producer, wait_until


@pytest.mark.slow
def test_programs_started_first_wait_for_broker_and_topic(tmp_path, request, start, group):
    broker = local_broker(tmp_path)
    request.addfinalizer(broker.stop)
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


class Line(socketserver.ThreadingTCPServer):
    """A relay between the programs and the broker; drop() silently kills its current connections, as when a laptop
    sleeps. Later ones work."""

    daemon_threads, drops = True, 0

    def __init__(self, port: int, broker_port: int):
        super().__init__(("127.0.0.1", port), None)
        self._broker = ("127.0.0.1", broker_port)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def drop(self) -> None:
        self.drops += 1

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def finish_request(self, near: socket.socket, _address) -> None:
        drops = self.drops
        with contextlib.suppress(OSError), socket.create_connection(self._broker) as far:
            while True:
                for source in select.select([near, far], [], [])[0]:
                    if not (data := source.recv(65536)):
                        return
                    if self.drops == drops:
                        (far if source is near else near).sendall(data)


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
