"""Make a video for each like."""

import json
import os
import urllib.request

from confluent_kafka import Consumer, KafkaException


def make_video(like: dict) -> None:
    urllib.request.urlopen(os.environ["VIDEO_URL"], json.dumps(like).encode()).close()


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
        make_video(json.loads(message.value()))
        consumer.commit(message, asynchronous=False)
finally:
    consumer.close()
