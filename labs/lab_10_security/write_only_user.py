"""Lab 10: a user who may write to `likes` and nothing else.

    python run.py labs/lab_10_security/write_only_user.py

As admin, it creates the user `writer` with a random password and an ACL. Then it tries, as writer, what is allowed and
what is not, and starts producer.py and consumer.py, unchanged, with the writer's client.properties.
"""

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

import requests
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from brokers.ports import free_ports
from labs.lab_08_schemas.add_field import ORDER
from labs.secured import properties_of
from plumbing import loopback
from plumbing.kafka import client_config
from plumbing.waiting import wait_until
from settings import BOOTSTRAP_SERVERS, GROUP, TOPIC

USER = "writer"
SECONDS = 20


def make_user() -> Path:
    """Create the user with permission to write to `likes`; returns its client.properties."""
    admin = AdminClient(client_config(BOOTSTRAP_SERVERS, properties_of("admin")))
    password = secrets.token_urlsafe(24)
    kind = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
    credential = UserScramCredentialUpsertion(USER, kind, password.encode())
    admin.alter_user_scram_credentials([credential])[USER].result()
    rule = AclBinding(
        ResourceType.TOPIC,
        TOPIC,
        ResourcePatternType.LITERAL,
        f"User:{USER}",
        "*",  # from every address
        AclOperation.WRITE,
        AclPermissionType.ALLOW,
    )
    admin.create_acls([rule])[rule].result()

    learner = properties_of("learner").read_text(encoding="utf-8").splitlines()
    own = {"sasl.username": USER, "sasl.password": password}
    lines = [f"{name}={own.get(name, value)}\n" for name, value in (line.split("=", 1) for line in learner)]
    file = properties_of(USER)
    file.touch(0o600)  # it holds a password
    file.write_text("".join(lines), encoding="utf-8")
    return file


def write(config: dict) -> str:
    now = time.time()
    clicked_at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    like = {"order": ORDER, "clicked_at": clicked_at, "ts_ms": int(now * 1000)}
    reports = []
    producer = Producer(config | {"enable.idempotence": True, "message.timeout.ms": SECONDS * 1000})
    producer.produce(
        TOPIC, json.dumps(like).encode(), on_delivery=lambda error, message: reports.append((error, message))
    )
    producer.flush(SECONDS)
    error, message = reports[0]
    return error.name() if error else f"done, partition {message.partition()} offset {message.offset()}"


def read(config: dict, joining: bool) -> str:
    """Read one event, as a member of the group or without one."""
    consumer = Consumer(config | {"group.id": GROUP if joining else USER, "auto.offset.reset": "earliest"})
    if joining:
        consumer.subscribe([TOPIC])
    else:
        consumer.assign([TopicPartition(TOPIC, 0, 0)])
    deadline = time.monotonic() + SECONDS
    try:
        while time.monotonic() < deadline:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if not message.error():
                return "done"
            # A client that does not join still looks for its group's coordinator; that does not matter here.
            if joining or message.error().code() != KafkaError.GROUP_AUTHORIZATION_FAILED:
                return message.error().name()
    finally:
        consumer.close()
    return "no answer"


def create(config: dict) -> str:
    admin = AdminClient(config)
    try:
        admin.create_topics([NewTopic("mine", 1, 1)])["mine"].result()
    except KafkaException as error:
        return error.args[0].name()
    return "done"


def ask(program: str, port_variable: str, path: str, properties: Path) -> str:
    """Start this program with these properties; returns the problem that it reports at this path."""
    port = free_ports(1)[0]
    environment = {**os.environ, "KAFKA_CLIENT_CONFIG": str(properties), port_variable: str(port)}
    process = subprocess.Popen([sys.executable, program], env=environment, stdout=subprocess.DEVNULL)
    try:
        call = loopback.post if path == "like" else loopback.get

        def problem() -> str | None:
            with contextlib.suppress(requests.ConnectionError):  # not ready yet
                answer = call(f"http://127.0.0.1:{port}/{path}", timeout=SECONDS).json()
                return answer.get("error") or answer.get("problem")
            return None

        return wait_until(problem, SECONDS) or "no problem"
    finally:
        process.kill()
        process.wait()


def main() -> None:
    file = make_user()
    config = client_config(BOOTSTRAP_SERVERS, file)
    print(f"{USER} writes to {TOPIC}: {write(config)}")
    print(f"{USER} reads {TOPIC}: {read(config, joining=False)}")
    print(f"{USER} joins the group {GROUP}: {read(config, joining=True)}")
    print(f"{USER} creates a topic: {create(config)}")
    print(f"producer.py as {USER}: {ask('producer.py', 'PRODUCER_PORT', 'like', file)}")
    print(f"consumer.py as {USER}: {ask('consumer.py', 'CONSUMER_PORT', 'status', file)}")


if __name__ == "__main__":
    main()
