"""What the pages say about Kafka itself, beyond the programs, tested on a real Kafka."""

import contextlib

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from brokers import java
from labs.topics import named
from launcher import cli
from plumbing import Problem
from plumbing.kafka import client_config
from plumbing.topic import READ_TO_END, create, read_to_end

SECONDS = 20


@pytest.fixture
def topic(kafka, group) -> str:
    """A new topic with two partitions."""
    create(AdminClient(client_config(kafka)), group, 2)
    return group


def write(kafka, topic: str, *values: bytes, partition: int = 0, transaction: str = "") -> None:
    """Write the values; with a transaction, one that is committed, or aborted if its name begins with `aborted`."""
    own = {"transactional.id": f"{topic}-{transaction}"} if transaction else {}
    producer = Producer(client_config(kafka) | own)
    if transaction:
        producer.init_transactions(SECONDS)
        producer.begin_transaction()
    for value in values:
        producer.produce(topic, value, partition=partition)
    producer.flush(SECONDS)
    if transaction:
        end = producer.abort_transaction if transaction.startswith("aborted") else producer.commit_transaction
        end(SECONDS)


def read(kafka, topic: str, **own: str) -> list[Message]:
    """The records of partition 0, read from its beginning by a consumer with these settings."""
    consumer = Consumer(client_config(kafka) | READ_TO_END | {"group.id": topic, **own})
    with contextlib.closing(consumer):
        return list(read_to_end(consumer, [TopicPartition(topic, 0, 0)], SECONDS))


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


def first_read(kafka, topic: str, group: str, reset: str) -> int:
    """The offset at which a member of the group starts to read partition 0, its end included."""
    own = {"group.id": group, "auto.offset.reset": reset}
    consumer = Consumer(client_config(kafka) | READ_TO_END | own)
    with contextlib.closing(consumer):
        [start] = consumer.committed([TopicPartition(topic, 0)], SECONDS)
        consumer.assign([start])
        return consumer.poll(SECONDS).offset()


@pytest.mark.slow
def test_offsets_have_gaps_where_a_transaction_ended(kafka, topic):
    write(kafka, topic, b"one", transaction="committed")
    write(kafka, topic, b"two", transaction="committed")
    assert [record.offset() for record in read(kafka, topic)] == [0, 2]


@pytest.mark.slow
def test_librdkafka_skips_what_was_aborted_by_default_and_kafkas_own_tools_do_not(kafka, topic, capfd):
    write(kafka, topic, b"withdrawn", transaction="aborted")
    write(kafka, topic, b"valid")
    assert [record.value() for record in read(kafka, topic)] == [b"valid"]
    asked = ("--topic", topic, "--partition", "0", "--offset", "earliest")
    printed = tool(capfd, "kafka-console-consumer", kafka, *asked, "--max-messages", "2")
    assert printed.split() == ["withdrawn", "valid"]


@pytest.mark.slow
def test_where_a_new_group_starts_is_up_to_auto_offset_reset(kafka, topic, group):
    write(kafka, topic, b"one", b"two")
    assert first_read(kafka, topic, f"{group}-1", "earliest") == 0
    assert first_read(kafka, topic, f"{group}-2", "latest") == 2


@pytest.mark.slow
def test_auto_offset_reset_decides_too_where_the_log_no_longer_has_the_committed_offset(kafka, topic, group):
    write(kafka, topic, b"one", b"two", b"three", b"four")
    consumer = Consumer(client_config(kafka) | {"group.id": group})
    with contextlib.closing(consumer):
        consumer.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False)
    assert first_read(kafka, topic, group, "latest") == 1
    admin = AdminClient(client_config(kafka))  # kept: without it, there is no answer
    [deleted] = admin.delete_records([TopicPartition(topic, 0, 3)]).values()
    deleted.result(SECONDS)
    assert first_read(kafka, topic, group, "earliest") == 3
    assert first_read(kafka, topic, group, "latest") == 4


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
