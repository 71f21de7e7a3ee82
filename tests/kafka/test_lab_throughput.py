"""Labs 14 and 17 on a real broker: another reader in the group, the batches in the log."""

import json

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from labs.internals.batches import CODECS, batches_of
from labs.lab_14_throughput import lag
from labs.topics import make_topic
from plumbing import Problem
from plumbing.kafka import client_config
from tests.brokers import joined


@pytest.fixture
def write(kafka, learner):
    """Write values to a partition of the learner's topic, in one batch if they fit into one."""

    def write(partition: int, values: list[bytes], **own) -> None:
        settings = {"linger.ms": 1000, "batch.num.messages": 10_000, **own}
        producer = Producer(client_config(kafka) | settings)
        for value in values:
            producer.produce(learner, value, partition=partition)
        assert producer.flush(60) == 0

    make_topic(learner, len(CODECS))
    return write


def test_the_batches_are_those_that_were_written(learner, write, run_py):
    for partition, codec in enumerate(CODECS):
        write(partition, [b"x" * 100] * 50, **{"compression.type": codec})
    found = batches_of(learner)
    assert [(one.partition, one.codec) for one in found] == list(enumerate(CODECS))
    assert {(one.offset, one.records, one.producer_id) for one in found} == {(0, 50, -1)}
    assert found[0].size > 50 * 100 > 5 * max(one.size for one in found[1:])
    disk = json.loads(run_py("kafka-log-dirs", "--describe", "--topic-list", learner)[1].partition("{")[2].join("{ "))
    sizes = {one["partition"]: one["size"] for one in disk["brokers"][0]["logDirs"][0]["partitions"]}
    assert sizes == {f"{learner}-{one.partition}": one.size for one in found}


def test_more_batches_than_one_answer_holds(learner, write):
    write(1, [bytes([n]) * 300_000 for n in range(12)], **{"batch.size": 1000})
    write(1, [b"last"] * 3, **{"enable.idempotence": True})
    found = batches_of(learner)
    assert [(one.offset, one.records) for one in found] == [*((n, 1) for n in range(12)), (12, 3)]
    assert all(one.size > 300_000 for one in found[:12])
    assert found[-1].producer_id >= 0


def test_a_log_that_begins_later(kafka, learner, write):
    for value in (b"one", b"two", b"three"):
        write(2, [value])
    admin = AdminClient(client_config(kafka))
    [deleted] = admin.delete_records([TopicPartition(learner, 2, 2)]).values()
    deleted.result(60)
    assert [one.offset for one in batches_of(learner)] == [2]


def test_without_a_topic_there_are_no_batches(learner):
    assert batches_of(f"{learner}-none") == []


def test_a_broker_with_passwords_is_reported(monkeypatch, tmp_path):
    file = tmp_path / "client.properties"
    file.write_text("security.protocol=SASL_SSL\n", encoding="utf-8")
    monkeypatch.setattr("settings.CLIENT_CONFIG", str(file))
    with pytest.raises(Problem, match="without TLS and passwords"):
        batches_of("likes")


@pytest.mark.slow
def test_another_reader_in_the_group_is_reported(kafka, learner, monkeypatch):
    for name in ("TOPIC", "GROUP"):
        monkeypatch.setattr(lag, name, f"{learner}-lag")
    monkeypatch.setattr(lag, "SETTLE_SECONDS", 5.0)
    make_topic(lag.TOPIC, lag.PARTITIONS)
    own = {"client.id": "another", "partition.assignment.strategy": "range"}
    another = joined(kafka, lag.GROUP, own, lag.TOPIC)
    with pytest.raises(Problem, match="do not get the 4 partitions"):
        lag.main()
    another.close()
