"""Exercise 1: one event, flushed."""

import pytest

from tests.exercises.programs import cases

FLUSH = "producer.flush(10)\n"
RIGHT = {
    "polls until the report comes": [
        (FLUSH, "while len(producer):\n    producer.poll(0.1)\n"),
    ],
    "closes the producer": [(FLUSH, "producer.close()\n")],
    "another style": """
import json, os
from confluent_kafka import SerializingProducer
from confluent_kafka.serialization import StringSerializer

producer = SerializingProducer({"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
                                "value.serializer": StringSerializer()})
producer.produce(topic=os.environ["TOPIC"], value=json.dumps({"likes": "Kafka", "person": "ann"}),
                 on_delivery=lambda error, got: print("Partition: %d, offset: %d" % (got.partition(), got.offset())))
producer.flush()
""",
    "asyncio": """
import asyncio, json, os
from confluent_kafka.aio import AIOProducer

async def main():
    producer = AIOProducer({"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]})
    sent = await producer.produce(os.environ["TOPIC"], json.dumps({"person": "ann", "likes": "Kafka"}))
    await producer.flush()
    message = await sent
    print(f"partition={message.partition()} offset={message.offset()}")
    await producer.close()

asyncio.run(main())
""",
}
WRONG = {
    "polls without waiting": ([(FLUSH, "producer.poll(0)\n")], "one event is in the topic: none"),
    "sleeps": ([(FLUSH, "import time\ntime.sleep(4)\n")], "it printed no line such as"),
    "invents the place": (
        [
            (
                'print(error or f"partition={message.partition()} offset={message.offset()}")',
                'print("partition=0 offset=0")',
            )
        ],
        "it printed partition=0 offset=0; the event is at partition=",
    ),
    "flushes first": (
        [(FLUSH, ""), ("producer.produce(", "producer.flush(10)\nproducer.produce(")],
        "one event is in the topic: none",
    ),
    "sends a dict of Python": ([("json.dumps(event)", "str(event)")], "as agreed: .*'person': 'ann'"),
    "sends twice": ([(FLUSH, "producer.produce(os.environ['TOPIC'], json.dumps(event))\n" + FLUSH)], "new events: 2"),
    "writes elsewhere": ([('os.environ["TOPIC"]', '"likes-of-mine"')], "has not ended within 10 s"),
    "raises": ([("json.dumps(event)", "json.dumps(evnt)")], r"NameError: name 'evnt' is not defined.* \(line \d+\)"),
}


@pytest.mark.parametrize("case", cases(1, "the program ended before it was sent", RIGHT, WRONG))
def test_verdict(case, judge):
    judge(case)
