"""Print each like since a point in time."""

import json
import os

from confluent_kafka import Consumer, KafkaException

SINCE = int(os.environ["SINCE"])  # milliseconds since 1970
CONFIG = {
    "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
    "group.id": os.environ["GROUP"],
    "auto.offset.reset": "earliest",
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
        _, milliseconds = message.timestamp()
        if milliseconds >= SINCE:
            like = json.loads(message.value())
            print(f"order={like['order']} person={like['person']}")
finally:
    consumer.close()
