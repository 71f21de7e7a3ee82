"""Exercise 5: a consumer that survives silence, and leaves its group."""

import pytest

from tests.exercises.programs import cases

NONE = "        if message is None:  # nobody has clicked for a second\n            continue\n"
ERROR = "        if message.error():\n            raise KafkaException(message.error())\n"
CLOSE = "finally:\n    consumer.close()  # leaves the group at once\n"
EXCEPT = "except KeyboardInterrupt:\n    pass\n"
ASYNCIO = """
import asyncio, json, os
from confluent_kafka.aio import AIOConsumer

async def main():
    consumer = AIOConsumer({"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"], "group.id": os.environ["GROUP"],
                            "auto.offset.reset": "earliest"})
    await consumer.subscribe([os.environ["TOPIC"]])
    try:
        while True:
            message = await consumer.poll(0.5)
            if message and not message.error():
                like = json.loads(message.value())
                print(like["order"], "by", like["person"])
    finally:
        await consumer.close()

asyncio.run(main())
"""
SIGNAL = """
import json, os, signal
from confluent_kafka import Consumer

stopped = []
signal.signal(signal.SIGINT, lambda *_: stopped.append(True))
consumer = Consumer({"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"], "group.id": os.environ["GROUP"],
                     "auto.offset.reset": "earliest"})
consumer.subscribe([os.environ["TOPIC"]])
while not stopped:
    if (message := consumer.poll(0.2)) and not message.error():
        print(message.value().decode())
consumer.close()
"""
PRINT = """        print(f"order={like['order']} person={like['person']}")\n"""
RIGHT = {
    "leaves the exception to Python": [(EXCEPT, "")],
    "several at a time": [
        (NONE, ""),
        (ERROR, ""),
        ("        message = consumer.poll(1.0)\n", "        messages = consumer.consume(10, timeout=0.3)\n"),
        (
            "        like = json.loads(message.value())\n",
            "        for message in messages:\n            like = json.loads(message.value())\n",
        ),
        ("        print(", "            print("),
    ],
    "asyncio": ASYNCIO,
    "settings as keywords, polls without a limit": [
        ("Consumer(CONFIG)", "Consumer(**CONFIG)"),
        ("poll(1.0)", "poll()"),
    ],
    "a signal handler": SIGNAL,
    "closes at exit": [(CLOSE, ""), ("try:\n", "import atexit\natexit.register(consumer.close)\ntry:\n")],
}
GROUP = "it has left its group: still a member"
WRONG = {
    "does not close": ([(CLOSE, "")], GROUP),
    "closes, but does not look at None": (
        [(NONE, "")],
        "it survives a silence: .* ended with exit code 1: AttributeError",
    ),
    "waits longer": (
        [(NONE, ""), ("poll(1.0)", "poll(10.0)")],
        "it survives a silence: .* exit code 1: AttributeError",
    ),
    "ends in silence": (
        [(NONE, NONE.replace("continue", "break"))],
        "it survives a silence: .* ended with exit code 0",
    ),
    "catches all, also Ctrl+C": (
        [
            (NONE + ERROR, ""),
            ("        message = ", "        try:\n            message = "),
            ("        like = ", "            like = "),
            (PRINT, f"    {PRINT}        except:\n            pass\n"),
        ],
        r"Ctrl\+C ends it: it kept running and had to be killed",
    ),
    "closes only after an error": ([(CLOSE, "except Exception:\n    consumer.close()\n")], GROUP),
    "starts at the end": ([('"earliest"', '"latest"')], "not within 10 s: a line for each like; none for orders"),
    "prints no person": ([(" person={like['person']}", "")], "none for orders"),
    "no group": ([('    "group.id": os.environ["GROUP"],\n', "")], "ended with exit code 1: .*group.id"),
}


@pytest.mark.parametrize("case", cases(5, "it survives a silence: .*AttributeError", RIGHT, WRONG))
def test_verdict(case, judge):
    judge(case)
