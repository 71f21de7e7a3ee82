"""Credit an account for each like; one that is refused keeps only its own partition waiting."""

import json
import os
import time
import urllib.error
import urllib.request

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

RETRY_SECONDS = 0.3
waiting: dict[int, float] = {}  # partition -> when to try again


def credit(like: dict) -> None:
    urllib.request.urlopen(os.environ["BANK_URL"], json.dumps(like).encode()).close()


def try_later(message: Message) -> None:
    """Its partition rests, and then begins with this message."""
    place = TopicPartition(message.topic(), message.partition(), message.offset())
    consumer.seek(place)
    consumer.pause([place])
    waiting[message.partition()] = time.monotonic() + RETRY_SECONDS


def resume_those_due() -> None:
    owned = {place.partition: place for place in consumer.assignment()}
    for partition in [partition for partition, due in waiting.items() if due <= time.monotonic()]:
        del waiting[partition]
        if partition in owned:
            consumer.resume([owned[partition]])


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
        resume_those_due()
        message = consumer.poll(0.1)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        try:
            credit(json.loads(message.value()))
        except urllib.error.HTTPError:
            try_later(message)
        else:
            consumer.commit(message, asynchronous=False)
finally:
    consumer.close()
