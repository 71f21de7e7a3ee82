"""Send a mail for each like."""

import json
import os
import urllib.request

from confluent_kafka import Consumer, KafkaException


def send_mail(like: dict) -> None:
    urllib.request.urlopen(os.environ["MAIL_URL"], json.dumps(like).encode()).close()


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
        consumer.commit(message, asynchronous=False)
        send_mail(json.loads(message.value()))
finally:
    consumer.close()
