"""Print each like."""

import json
import os

from confluent_kafka import Consumer

CONFIG = {
    "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
    "group.id": os.environ["GROUP"],
    "auto.offset.reset": "earliest",
}
consumer = Consumer(CONFIG)
consumer.subscribe([os.environ["TOPIC"]])
while True:
    message = consumer.poll(1.0)
    like = json.loads(message.value())
    print(f"order={like['order']} person={like['person']}")
