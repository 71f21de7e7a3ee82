"""Exercise 14: a like that is refused keeps only its own partition waiting."""

import pytest

from tests.exercises.programs import cases

LATER = "            try_later(message)\n"
PAUSE = "    consumer.pause([place])\n"
SEEK = "    consumer.seek(place)\n"
COMMIT = "            consumer.commit(message, asynchronous=False)\n"
IN_MEMORY = """
import json, os, time, urllib.error, urllib.request
from confluent_kafka import Consumer, KafkaException

def credit(like):
    urllib.request.urlopen(os.environ["BANK_URL"], json.dumps(like).encode()).close()

consumer = Consumer({"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"], "group.id": os.environ["GROUP"],
                     "auto.offset.reset": "earliest", "enable.auto.commit": False})
consumer.subscribe([os.environ["TOPIC"]])
waiting = {}  # partition -> its messages, the first was refused
due = {}

def work_off(partition):
    while waiting[partition]:
        try:
            credit(json.loads(waiting[partition][0].value()))
        except urllib.error.HTTPError:
            due[partition] = time.monotonic() + 0.3
            return
        consumer.commit(waiting[partition].pop(0), asynchronous=False)
    del waiting[partition], due[partition]

try:
    while True:
        for partition in [p for p, at in due.items() if at < time.monotonic()]:
            work_off(partition)
        message = consumer.poll(0.1)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        new = message.partition() not in waiting
        waiting.setdefault(message.partition(), []).append(message)
        if new:
            due[message.partition()] = 0
            work_off(message.partition())
finally:
    consumer.close()
"""
RIGHT = {
    "keeps them in memory": IN_MEMORY,
    "does not pause: a new fetch takes half a second": [(PAUSE, "")],
    "pauses first": [(SEEK + PAUSE, PAUSE + SEEK)],
    "stores offsets": [
        (COMMIT, "            consumer.store_offsets(message)\n"),
        ('    "enable.auto.commit": False,\n', '    "enable.auto.offset.store": False,\n'),
    ],
    "every two seconds": [("RETRY_SECONDS = 0.3", "RETRY_SECONDS = 2.0")],
}
LOST = "is tried again, at most ten times a second: 0 calls"
WRONG = {
    "skips it": ([(LATER, "            pass\n")], "what is behind it in its partition waits: done before it"),
    "pauses, and does not go back": ([(SEEK, "")], "waits: done before it|" + LOST),
    "commits it": ([(LATER, LATER + COMMIT)], "then the bank accepts it: nothing is lost: not done: orders 22"),
    "never resumes": ([("RETRY_SECONDS = 0.3", "RETRY_SECONDS = 3600")], LOST),
    "ends": ([(LATER, "            raise\n")], "the program has ended with exit code 1: urllib.error.HTTPError"),
    "sends it into another thread": (
        [
            (LATER, "            threading.Timer(0.3, credit, [json.loads(message.value())]).start()\n" + COMMIT),
            ("import time\n", "import threading\nimport time\n"),
        ],
        "waits: done before it",
    ),
    "never commits": ([(COMMIT, "            pass\n")], "each once, and in order: twice: orders"),
}


@pytest.mark.parametrize("case", cases(14, "the other partitions go on: not done for 5 s: orders", RIGHT, WRONG))
def test_verdict(case, judge):
    judge(case)
