"""Exercise 11: batches of a hundred, and each like once, whoever joins or leaves."""

import pytest

from tests.exercises.programs import cases

COMMIT = "    consumer.commit(asynchronous=False)\n    batch.clear()\n"
ON_REVOKE = "    if batch:\n        upload()\n\n\nCONFIG"
SUBSCRIBE = ", on_revoke=before_giving_up)"
OFF = '    "enable.auto.commit": False,\n'
STORE = '    "enable.auto.offset.store": False,  # commit() commits what upload() has stored\n'
STORES = "    for message in batch:\n        consumer.store_offsets(message)\n"
UPLOAD = '    urllib.request.urlopen(os.environ["WAREHOUSE_URL"], json.dumps(likes).encode()).close()\n'
CLEAR = "    batch.clear()\n\n\nCONFIG"
DROP = [(ON_REVOKE, CLEAR)]
READ = """        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        batch.append(message)
        if len(batch) == 100:
            upload()
"""
COOPERATIVE = """
import json, os, urllib.request
from confluent_kafka import Consumer, KafkaException, TopicPartition

batches = {}

def upload(partitions):
    messages = [message for number in partitions for message in batches.pop(number, [])]
    if messages:
        body = json.dumps([json.loads(message.value()) for message in messages])
        urllib.request.urlopen(os.environ["WAREHOUSE_URL"], body.encode()).close()
        ends = {m.partition(): TopicPartition(m.topic(), m.partition(), m.offset() + 1) for m in messages}
        consumer.commit(offsets=list(ends.values()), asynchronous=False)

consumer = Consumer({"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"], "group.id": os.environ["GROUP"],
                     "auto.offset.reset": "earliest", "enable.auto.commit": False,
                     "partition.assignment.strategy": "cooperative-sticky"})
consumer.subscribe([os.environ["TOPIC"]], on_revoke=lambda _, gone: upload([one.partition for one in gone]),
                   on_lost=lambda _, gone: [batches.pop(one.partition, None) for one in gone])
try:
    while True:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        batches.setdefault(message.partition(), []).append(message)
        if sum(map(len, batches.values())) == 100:
            upload(list(batches))
finally:
    consumer.close()
"""
CATCHES = """            if message is not None:
                batch.append(message)
            if len(batch) == 100:
                upload()
        except BaseException:
            continue
"""
# Without what upload() has stored: commit() commits all that poll() has returned.
BY_POSITION = [(STORES, ""), (STORE, "")]
RIGHT = {
    "forgets the batch": DROP,
    "nothing in memory between two calls": [
        (SUBSCRIBE, ")"),
        (READ, "        batch.extend(consumer.consume(100, timeout=1.0))\n        if batch:\n            upload()\n"),
    ],
    "cooperative": COOPERATIVE,
    "auto commit of what is stored": [(OFF, ""), (COMMIT, "    batch.clear()\n")],
}
MOVES = "a second instance comes, and goes: .*"
WRONG = {
    "uploads the rest only when it ends": (
        [(SUBSCRIBE, ")"), ("finally:\n", "finally:\n    if batch:\n        upload()\n")],
        MOVES + "twice: orders",
    ),
    "only commits": (
        [*BY_POSITION, (ON_REVOKE, "    if batch:\n        consumer.commit(asynchronous=False)\n\n\nCONFIG")],
        MOVES + "committed, but not there: orders",
    ),
    "commits and forgets": (
        [*BY_POSITION, (ON_REVOKE, f"    if batch:\n        consumer.commit(asynchronous=False)\n{CLEAR}")],
        MOVES + "committed, but not there: orders",
    ),
    "does not commit": ([(COMMIT, "    batch.clear()\n")], MOVES + "twice: orders"),
    "auto commit": (
        [*BY_POSITION, (OFF, ""), (COMMIT, "    batch.clear()\n")],
        "kill -9 in the middle of an upload: .* committed, but not there: orders .* 95 more",
    ),
    "commits before it uploads": (
        [(UPLOAD, ""), (COMMIT, COMMIT.replace("    batch", f"{UPLOAD}    batch"))],
        "kill -9 in the middle of an upload: .* committed, but not there",
    ),
    "commits what poll() has returned": (BY_POSITION, MOVES + r"committed, but not there: orders \d+$"),
    "one by one": ([("== 100", "== 1")], "full batches: size of the first upload: 1"),
    "catches all": (
        [("        message = ", "        try:\n            message = "), (READ.split("\n", 1)[1], CATCHES)],
        r"Ctrl\+C ends it: it kept running and had to be killed",
    ),
}


@pytest.mark.parametrize("case", cases(11, MOVES + "twice: orders", RIGHT, WRONG))
def test_verdict(case, judge):
    judge(case)
