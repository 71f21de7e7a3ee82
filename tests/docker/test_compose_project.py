"""The compose project on a real Docker engine, under a name and on ports of its own: `pytest -m docker`.

Kafdrop shows what the README says. No newer keys than Docker Engine 20.10 with Compose 2.20 knows.
"""

import contextlib
import subprocess
import uuid

import pytest
import requests
import yaml

from brokers import docker
from brokers.compose import COMPOSE_FILE
from brokers.ports import free_ports
from tests.brokers import PARTITIONS, TOPIC
from tests.docker.conftest import docker as call
from tests.programs import ROOT, consumer, producer, wait_until

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(bool(docker.engine_problem()), reason=f"start Docker: {docker.engine_problem()}"),
    pytest.mark.timeout(900),  # the first time the images are pulled
]
CREATE = ["--create", "--if-not-exists", "--topic", TOPIC, "--partitions", "3", "--replication-factor", "1"]


class Project:
    """docker-compose.yml with other ports and container names, and a volume of its own."""

    def __init__(self, folder):
        self.name = f"hands-on-kafka-test-{uuid.uuid4().hex[:8]}"
        self.port, self.kafdrop_port = free_ports(2)
        compose = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
        kafka, kafdrop = compose["services"]["kafka"], compose["services"]["kafdrop"]
        self.container = kafka["container_name"] = f"{self.name}-kafka"
        kafdrop["container_name"] = f"{self.name}-kafdrop"
        # The port must be the same inside and outside: the broker refers clients to its advertised address.
        kafka["ports"] = [f"127.0.0.1:{self.port}:{self.port}"]
        for name, value in kafka["environment"].items():
            kafka["environment"][name] = value.replace(":9092", f":{self.port}")
        kafka["healthcheck"]["test"] = [word.replace("9092", str(self.port)) for word in kafka["healthcheck"]["test"]]
        kafdrop["ports"] = [f"127.0.0.1:{self.kafdrop_port}:9000"]
        self.ports = {5001 + number: port for number, port in enumerate(free_ports(4))}  # of the programs
        self.ports[8501] = free_ports(1)[0]
        compose["services"]["computer"]["ports"] = [f"127.0.0.1:{own}:{usual}" for usual, own in self.ports.items()]
        for service in compose["services"].values():
            if "build" in service:
                service["build"] = str(ROOT)
        self.file = folder / "docker-compose.yml"
        self.file.write_text(yaml.safe_dump(compose), encoding="utf-8")
        self.bootstrap_servers = f"localhost:{self.port}"

    def compose(self, *arguments: str) -> str:
        command = ["docker", "compose", "--project-name", self.name, "--file", str(self.file), *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def topics(self, *arguments: str) -> str:
        """What `docker exec kafka kafka-topics.sh ...` prints, as the README and create_likes_topic.bat type it."""
        return call("exec", self.container, "kafka-topics.sh", "--bootstrap-server", self.bootstrap_servers, *arguments)

    def kafdrop(self, path: str):
        """The JSON of a Kafdrop page, as soon as it is there: `up --wait` does not wait for Kafdrop."""
        url = f"http://127.0.0.1:{self.kafdrop_port}{path}"

        def answer():
            with contextlib.suppress(requests.ConnectionError):
                return requests.get(url, headers={"Accept": "application/json"}, timeout=30)

        return wait_until(answer, f"Kafdrop's {path}").json()


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("compose"))
    try:
        project.compose("up", "-d", "--wait")
        yield project
    finally:
        project.compose("down", "--volumes")


def test_kafdrop_shows_topic_messages_group_and_lag(project, start, true_kafdrop):
    project.topics(*CREATE)
    api = start(producer(project.bootstrap_servers))
    reader = start(consumer(project.bootstrap_servers, "likes-ui"))
    api.wait_until_it_answers()
    # One per partition: Kafdrop lists only partitions with a committed offset.
    likes = [requests.post(f"{api.url}/like", timeout=20).json() for _ in range(PARTITIONS)]
    reader.wait_for_likes({like["order"] for like in likes})
    like = likes[-1]

    topic = project.kafdrop(f"/topic/{TOPIC}")
    assert topic["name"] == TOPIC
    assert len(topic["partitions"]) == PARTITIONS
    where = f"partition={like['partition']}&offset={like['offset']}&count=1"
    form = "keyFormat=DEFAULT&format=DEFAULT&isAnyProto=false"
    messages = project.kafdrop(f"/topic/{TOPIC}/messages?{where}&{form}")
    assert f'"order": {like["order"]}' in str(messages)

    def lags() -> list[int]:
        group = project.kafdrop("/consumer/likes-ui")
        partitions = [partition for shown in group["topics"] for partition in shown["partitions"]]
        return [partition["lag"] for partition in partitions]

    wait_until(lambda: lags() == [0] * PARTITIONS, "no lag in Kafdrop")
    reader.interrupt()
    requests.post(f"{api.url}/likes", json={"count": 30}, timeout=60).raise_for_status()
    wait_until(lambda: sum(lags()) == 30, "a lag of 30 in Kafdrop")


def test_kafdrop_lets_no_website_in_and_deletes_no_topic(project, true_kafdrop):
    project.topics(*CREATE)
    project.kafdrop("/")
    url, website = f"http://127.0.0.1:{project.kafdrop_port}", {"Origin": "https://elsewhere.example"}
    answer = requests.get(f"{url}/topic/{TOPIC}", headers=website, timeout=30)
    assert answer.headers.get("Access-Control-Allow-Origin") not in ("*", website["Origin"])
    requests.post(f"{url}/topic/{TOPIC}/delete", headers=website, timeout=30)
    assert TOPIC in project.topics("--list").splitlines()
