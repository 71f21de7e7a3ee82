"""Count the likes; what is not a like goes into the dead letter queue."""

import json
import os
import urllib.request

from confluent_kafka import Consumer, KafkaException, Message, Producer


def parse(value: bytes | None) -> dict:
    """The like in this value. Raises ValueError if it is not a like."""
    like = json.loads(value or b"")
    if not isinstance(like, dict) or not isinstance(like.get("order"), int):
        raise ValueError("no object with an order")
    return like


def count(like: dict) -> None:
    urllib.request.urlopen(os.environ["COUNT_URL"], json.dumps(like).encode()).close()


def set_aside(message: Message, reason: str) -> None:
    """Returns when the broker has the dead letter. Raises KafkaException."""
    headers = {"reason": reason, "origin": f"{message.topic()}/{message.partition()}/{message.offset()}"}
    letter = {"value": message.value(), "key": message.key(), "headers": headers}
    producer.produce(os.environ["DEAD_LETTERS"], **letter, on_delivery=report)
    if producer.flush(10):
        raise TimeoutError("the dead letter is not confirmed")


def report(error, _message) -> None:
    if error:
        raise KafkaException(error)  # comes out of flush()


SERVERS = {"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]}
CONFIG = SERVERS | {
    "group.id": os.environ["GROUP"],
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,
}
producer = Producer(SERVERS)
consumer = Consumer(CONFIG)
consumer.subscribe([os.environ["TOPIC"]])
try:
    while True:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        try:
            like = parse(message.value())
        except ValueError as error:
            set_aside(message, str(error))
        else:
            count(like)
        consumer.commit(message, asynchronous=False)
finally:
    consumer.close()
