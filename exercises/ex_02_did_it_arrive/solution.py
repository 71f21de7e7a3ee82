"""Write the orders of the day into a topic. Exit code 1 if the broker has not confirmed all of them."""

import json
import os
import sys
from pathlib import Path

from confluent_kafka import Producer

missing = []


def report(error, message) -> None:
    """The delivery report of one order."""
    if error:
        missing.append(message.key().decode())
        print(f"order {message.key().decode()}: {error.str()}")


CONFIG = {
    "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
    "message.timeout.ms": 3000,  # when an order counts as lost; the default is 5 minutes
}
producer = Producer(CONFIG)
with Path(os.environ["ORDERS"]).open(encoding="utf-8") as orders:
    for line in orders:
        number = json.loads(line)["order"]
        producer.produce(os.environ["TOPIC"], line.strip(), key=str(number), on_delivery=report)
unknown = producer.flush(4)
if missing or unknown:
    sys.exit(f"{len(missing) + unknown} orders are not written")
print("all orders are written")
