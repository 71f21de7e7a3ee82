"""Write five thousand likes into a topic."""

import json
import os

from confluent_kafka import Producer

LIKES = 5_000
CONFIG = {"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]}
producer = Producer(CONFIG)
for order in range(1, LIKES + 1):
    person = f"p{order % 50}"
    producer.produce(os.environ["TOPIC"], json.dumps({"order": order, "person": person}), key=person)
if producer.flush(10):
    raise SystemExit("not all likes are written")
