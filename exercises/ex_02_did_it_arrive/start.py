"""Write the orders of the day into a topic."""

import json
import os
from pathlib import Path

from confluent_kafka import Producer


def report(error, message) -> None:
    """The delivery report of one order."""
    print(f"order {message.key().decode()}: partition {message.partition()}")


producer = Producer({"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]})
with Path(os.environ["ORDERS"]).open(encoding="utf-8") as orders:
    for line in orders:
        number = json.loads(line)["order"]
        producer.produce(os.environ["TOPIC"], line.strip(), key=str(number), on_delivery=report)
producer.flush()
print("all orders are written")
