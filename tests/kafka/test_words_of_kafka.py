"""What the pages say about Kafka itself, beyond the programs, tested on a real Kafka."""

import contextlib

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from brokers import java
from labs.topics import named
from launcher import cli
from plumbing import Problem
from plumbing.kafka import client_config
from plumbing.topic import create

SECONDS = 20


@pytest.fixture
def topic(kafka, group) -> str:
    """A new topic with two partitions."""
    create(AdminClient(client_config(kafka)), group, 2)
    return group


def write(kafka, topic: str, *values: bytes, partition: int = 0) -> None:
    producer = Producer(client_config(kafka))
    for value in values:
        producer.produce(topic, value, partition=partition)
    producer.flush(SECONDS)


def tool(capfd, name: str, kafka, *arguments: str) -> str:
    capfd.readouterr()
    assert java.run_command(name, ["--bootstrap-server", kafka, *arguments]) == 0
    printed = capfd.readouterr()
    assert "ERROR" not in printed.err
    return printed.out


@pytest.mark.parametrize(
    ("missing", "hint"),
    [
        (named("visits"), "python run.py labs/lab_12_retention/retention.py "),
        ("nowhere", "check the name, or first do the steps before this one"),
    ],
)
def test_a_console_consumer_of_a_missing_topic_names_the_program_that_writes_it(kafka, missing, hint):
    command = ["kafka-console-consumer", "--bootstrap-server", kafka, "--topic", missing]
    with pytest.raises(Problem, match=f"there is no topic {missing} yet") as refused:
        cli._kafka_command(cli.parse(command)[1])
    assert refused.value.hint.startswith(hint)


def test_the_topic_of_the_lesson_is_created_by_a_command_of_its_own(monkeypatch):
    monkeypatch.setattr(java, "_missing_topic", lambda _arguments, _servers: "likes")
    with pytest.raises(Problem, match="there is no topic likes yet") as refused:
        cli._kafka_command(cli.parse(["kafka-console-consumer", "--topic", "likes"])[1])
    assert refused.value.hint.startswith("python run.py topic")


@pytest.mark.slow
def test_a_console_consumer_with_a_timeout_shows_all_records_and_ends_without_an_error(kafka, topic, capfd):
    write(kafka, topic, b"one", b"two")
    options = ("--topic", topic, "--from-beginning", "--timeout-ms", "5000", "--property", "print.offset=true")
    assert tool(capfd, "kafka-console-consumer", kafka, *options) == "Offset:0\tone\nOffset:1\ttwo\n"


@pytest.mark.slow
def test_a_partition_without_a_commit_is_not_listed_for_a_group_without_members(kafka, topic, group, capfd):
    write(kafka, topic, b"one", partition=0)
    write(kafka, topic, b"one", partition=1)
    consumer = Consumer(client_config(kafka) | {"group.id": group})
    with contextlib.closing(consumer):
        consumer.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False)
    described = tool(capfd, "kafka-consumer-groups", kafka, "--describe", "--group", group)
    rows = [line.split()[1:4] for line in described.splitlines() if line.startswith(group)]
    assert rows == [[topic, "0", "1"]]
