"""Print each like since a point in time, without reading the older ones."""

import json
import os

from confluent_kafka import Consumer, KafkaException

SINCE = int(os.environ["SINCE"])  # milliseconds since 1970
CONFIG = {
    "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
    "group.id": os.environ["GROUP"],
    "auto.offset.reset": "earliest",
}


def start_there(consumer, partitions) -> None:
    for one in partitions:
        one.offset = SINCE  # what offsets_for_times takes for a time
    consumer.assign(consumer.offsets_for_times(partitions, 10))  # -1, the end, where there is none


consumer = Consumer(CONFIG)
consumer.subscribe([os.environ["TOPIC"]], on_assign=start_there)
try:
    while True:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        like = json.loads(message.value())
        print(f"order={like['order']} person={like['person']}")
finally:
    consumer.close()
