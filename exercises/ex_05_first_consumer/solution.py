"""Print each like, until Ctrl+C."""

import json
import os

from confluent_kafka import Consumer, KafkaException

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
        if message is None:  # nobody has clicked for a second
            continue
        if message.error():
            raise KafkaException(message.error())
        like = json.loads(message.value())
        print(f"order={like['order']} person={like['person']}")
except KeyboardInterrupt:
    pass
finally:
    consumer.close()  # leaves the group at once
