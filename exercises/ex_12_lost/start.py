"""Upload the likes to the warehouse, a hundred at a time, and the rest before partitions are given up."""

import json
import os
import urllib.request

from confluent_kafka import Consumer, KafkaException, Message

batch: list[Message] = []


def upload() -> None:
    likes = [json.loads(message.value()) for message in batch]
    urllib.request.urlopen(os.environ["WAREHOUSE_URL"], json.dumps(likes).encode()).close()
    for message in batch:
        consumer.store_offsets(message)
    consumer.commit(asynchronous=False)
    batch.clear()


def before_giving_up(_consumer, _partitions) -> None:
    if batch:
        upload()


CONFIG = {
    "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
    "group.id": os.environ["GROUP"],
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,  # commit() commits what upload() has stored
}
consumer = Consumer(CONFIG)
consumer.subscribe([os.environ["TOPIC"]], on_revoke=before_giving_up)
try:
    while True:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        batch.append(message)
        if len(batch) == 100:
            upload()
finally:
    consumer.close()
