"""Write one event into a topic, and wait until the broker has it."""

import json
import os

from confluent_kafka import Producer


def report(error, message) -> None:
    """The delivery report."""
    print(error or f"partition={message.partition()} offset={message.offset()}")


producer = Producer({"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]})
event = {"person": "ann", "likes": "Kafka"}
producer.produce(os.environ["TOPIC"], json.dumps(event), on_delivery=report)
producer.flush(10)
