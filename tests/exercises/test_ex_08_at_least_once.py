"""Exercise 8: a mail for each like, at least once."""

import pytest

from tests.exercises.programs import cases

MAIL = "        send_mail(json.loads(message.value()))\n"
COMMIT = "        consumer.commit(message, asynchronous=False)\n"
OFF = '    "enable.auto.commit": False,\n'
POLL = """        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
"""
POLLS = [(POLL, ""), ("    while True:\n", "    while True:\n        messages = consumer.consume(100, timeout=0.2)\n")]
IMPORT_POOL = ("import json\n", "import json\nfrom concurrent.futures import ThreadPoolExecutor\n")
EVERY_TENTH = [
    ("    while True:\n", "    done = 0\n    while True:\n"),
    (
        COMMIT,
        "        done += 1\n        if done % 10 == 0:\n            consumer.commit(message, asynchronous=False)\n",
    ),
]
AIO = """
import asyncio, json, os, urllib.request
from confluent_kafka.aio import AIOConsumer

def send_mail(like):
    urllib.request.urlopen(os.environ["MAIL_URL"], json.dumps(like).encode()).close()

async def main():
    consumer = AIOConsumer({"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"], "group.id": os.environ["GROUP"],
                            "auto.offset.reset": "earliest", "enable.auto.commit": False})
    await consumer.subscribe([os.environ["TOPIC"]])
    try:
        while True:
            message = await consumer.poll(1.0)
            if message is not None and not message.error():
                await asyncio.to_thread(send_mail, json.loads(message.value()))
                await consumer.commit(message=message, asynchronous=False)
    finally:
        await consumer.close()

asyncio.run(main())
"""
RIGHT = {
    "commits without waiting": [("asynchronous=False", "asynchronous=True")],
    "asyncio": AIO,
    "a hundred at a time": [
        *POLLS,
        (MAIL, "        for message in messages:\n            send_mail(json.loads(message.value()))\n"),
        (COMMIT, "        if messages:\n            consumer.commit(asynchronous=False)\n"),
    ],
    "deserializing": [("import Consumer,", "import DeserializingConsumer as Consumer,")],
    "every tenth": EVERY_TENTH,
    "every 25th, settings as keywords": [
        *((old, new.replace("% 10", "% 25")) for old, new in EVERY_TENTH),
        ("Consumer(CONFIG)", "Consumer(**CONFIG)"),
    ],
    "a group of its own name, no close()": [
        ('os.environ["GROUP"]', '"thank-you-mails"'),
        ("finally:\n    consumer.close()", "except KeyboardInterrupt:\n    pass"),
    ],
    "polls without a limit": [("poll(1.0)", "poll()")],
    "stores offsets": [
        (OFF, '    "enable.auto.offset.store": False,\n'),
        (COMMIT, "        consumer.store_offsets(message)\n"),
    ],
    "threads": [
        IMPORT_POOL,
        *POLLS,
        (MAIL, "        list(pool.map(lambda message: send_mail(json.loads(message.value())), messages))\n"),
        (COMMIT, "        if messages:\n            consumer.commit(asynchronous=False)\n"),
        ("try:\n", "pool = ThreadPoolExecutor(8)\ntry:\n"),
    ],
}
EARLY = "in the middle of a mail loses nothing: committed, but their mail was not sent: orders"
WRONG = {
    "auto commit": ([(OFF, ""), (COMMIT, "")], EARLY),
    "never commits": ([(COMMIT, "")], "0 likes were committed when 150 mails had been sent"),
    "commits a batch before it is done": (
        [
            *POLLS,
            (MAIL, "        for message in messages:\n            send_mail(json.loads(message.value()))\n"),
            (COMMIT, ""),
            ("timeout=0.2)\n", "timeout=0.2)\n        if messages:\n            consumer.commit(asynchronous=False)\n"),
        ],
        EARLY + r" .* and \d+ more",
    ),
    "commits when it ends": (
        [(COMMIT, ""), ("finally:\n", "finally:\n    consumer.commit(asynchronous=False)\n")],
        "0 likes were committed",
    ),
    "commits after Ctrl+C": (
        [
            *EVERY_TENTH,
            ("finally:\n", "except KeyboardInterrupt:\n    consumer.commit(asynchronous=False)\nfinally:\n"),
        ],
        r"Ctrl\+C " + EARLY,
    ),
    "commits in finally": (
        [*EVERY_TENTH, ("finally:\n", "finally:\n    consumer.commit(asynchronous=False)\n")],
        r"Ctrl\+C " + EARLY,
    ),
    "goes on after errors": (
        [(MAIL, f"        try:\n    {MAIL}        except Exception:\n            pass\n")],
        "answers 503 once: .*; missing: orders",
    ),
    "hands the mail to a thread": (
        [
            IMPORT_POOL,
            ("try:\n", "pool = ThreadPoolExecutor(8)\ntry:\n"),
            (
                "        send_mail(json.loads(message.value()))",
                "        pool.submit(send_mail, json.loads(message.value()))",
            ),
        ],
        EARLY,
    ),
    "stores the offset first": (
        [
            (OFF, '    "enable.auto.offset.store": False,\n'),
            (COMMIT, ""),
            (MAIL, "        consumer.store_offsets(message)\n" + MAIL),
        ],
        EARLY,
    ),
    "commits the offset of the message": (
        [
            ("import Consumer,", "import Consumer, TopicPartition,"),
            (
                "commit(message, ",
                "commit(offsets=[TopicPartition(message.topic(), message.partition(), message.offset())], ",
            ),
        ],
        "in the end, all is committed: partition 0: 79 of 80",
    ),
    "starts at the end": ([('"earliest"', '"latest"')], "committed nothing.*without auto.offset.reset=earliest"),
    "sleeps": ([(COMMIT, COMMIT + "        import time; time.sleep(1)\n")], "not within 10 s: mail 30"),
}


@pytest.mark.parametrize("case", cases(8, EARLY, RIGHT, WRONG))
def test_verdict(case, judge):
    judge(case)
