"""Count the likes."""

import json
import os
import urllib.request

from confluent_kafka import Consumer, KafkaException


def parse(value: bytes | None) -> dict:
    """The like in this value. Raises ValueError if it is not a like."""
    like = json.loads(value or b"")
    if not isinstance(like, dict) or not isinstance(like.get("order"), int):
        raise ValueError("no object with an order")
    return like


def count(like: dict) -> None:
    urllib.request.urlopen(os.environ["COUNT_URL"], json.dumps(like).encode()).close()


CONFIG = {
    "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
    "group.id": os.environ["GROUP"],
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,
}
consumer = Consumer(CONFIG)
consumer.subscribe([os.environ["TOPIC"]])
try:
    while True:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        count(parse(message.value()))
        consumer.commit(message, asynchronous=False)
finally:
    consumer.close()
