"""Exercise 16: each like exactly once in the second topic."""

import pytest

from tests.exercises.programs import cases

SEND = "        producer.send_offsets_to_transaction([following], consumer.consumer_group_metadata())\n"
COMMIT = "        producer.commit_transaction()\n"
BESIDE = "        consumer.commit(message, asynchronous=False)\n"
ABORTS = """        try:
            producer.send_offsets_to_transaction([following], consumer.consumer_group_metadata())
            producer.commit_transaction()
        except KafkaException as error:
            if not error.args[0].txn_requires_abort():
                raise
            producer.abort_transaction()
            raise SystemExit(str(error)) from error
"""
ASSIGN = 'consumer.assign([TopicPartition(os.environ["TOPIC"], number) for number in range(3)])'
BATCHES = """
import json, os, urllib.request
from confluent_kafka import Consumer, Producer

def ask_for_score(like):
    urllib.request.urlopen(os.environ["SCORE_URL"], json.dumps(like).encode()).close()

SERVERS = {"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]}
producer = Producer(SERVERS | {"transactional.id": os.environ["TRANSACTIONAL_ID"]})
producer.init_transactions()
consumer = Consumer(SERVERS | {"group.id": os.environ["GROUP"], "auto.offset.reset": "earliest",
                               "enable.auto.commit": False, "isolation.level": "read_committed"})
consumer.subscribe([os.environ["TOPIC"]])
try:
    while True:
        messages = consumer.consume(10, timeout=0.2)
        if not messages:
            continue
        producer.begin_transaction()
        for message in messages:
            ask_for_score(json.loads(message.value()))
            producer.produce(os.environ["SCORES"], message.value(), message.key())
        ends = consumer.position(consumer.assignment())
        producer.send_offsets_to_transaction([e for e in ends if e.offset >= 0], consumer.consumer_group_metadata())
        producer.commit_transaction()
finally:
    consumer.close()
"""
RIGHT = {
    "ten in a transaction, position()": BATCHES,
    "aborts": [(SEND + COMMIT, ABORTS)],
    "begins before the call": [
        ("        ask_for_score", "        producer.begin_transaction()\n        ask_for_score"),
        ("value()))\n        producer.begin_transaction()\n", "value()))\n"),
    ],
}
OUT = "thrown out of the group while it waits: each like once: .*twice: orders"
TWIN = "a twin starts while it waits: each like once: missing: orders"
WRONG = {
    "commits first in Kafka, then the transaction": ([(SEND, BESIDE)], TWIN),
    "no transaction": (
        [
            (", KafkaException, Producer, TopicPartition", ", KafkaException, Producer"),
            (' | {"transactional.id": os.environ["TRANSACTIONAL_ID"]}', ""),
            ("producer.init_transactions()\n", ""),
            ("        producer.begin_transaction()\n", ""),
            ("        following = TopicPartition(message.topic(), message.partition(), message.offset() + 1)\n", ""),
            (SEND + COMMIT, "        producer.flush()\n" + BESIDE),
        ],
        OUT,
    ),
    "auto commit": (
        [(SEND, ""), ('"enable.auto.commit": False', '"enable.auto.commit": True')],
        "missing: orders|twice: orders",
    ),
    "no commit of offsets": ([(SEND, "")], "kill -9 while it waits for a score: each like once: .*twice: orders"),
    "the offset of the like itself": ([("message.offset() + 1", "message.offset()")], "twice: orders"),
    "assigns the partitions itself": (
        [('consumer.subscribe([os.environ["TOPIC"]])', ASSIGN)],
        "the program is not the only member of its group. It has read .* in no group",
    ),
    "two transactions": ([(SEND, COMMIT + "        producer.begin_transaction()\n" + SEND)], OUT),
}


@pytest.mark.parametrize("case", cases(16, OUT, RIGHT, WRONG))
def test_verdict(case, judge):
    judge(case)
