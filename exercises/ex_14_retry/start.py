"""Credit an account for each like."""

import json
import os
import time
import urllib.error
import urllib.request

from confluent_kafka import Consumer, KafkaException


def credit(like: dict) -> None:
    urllib.request.urlopen(os.environ["BANK_URL"], json.dumps(like).encode()).close()


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
        while True:
            try:
                credit(json.loads(message.value()))
                break
            except urllib.error.HTTPError:  # try again later
                time.sleep(0.3)
        consumer.commit(message, asynchronous=False)
finally:
    consumer.close()
