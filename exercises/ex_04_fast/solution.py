"""Write five thousand likes into a topic, as fast as the buffer of the client takes them."""

import json
import os

from confluent_kafka import Producer

LIKES = 5_000
CONFIG = {"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]}
producer = Producer(CONFIG)
for order in range(1, LIKES + 1):
    person = f"p{order % 50}"
    while True:
        try:
            producer.produce(os.environ["TOPIC"], json.dumps({"order": order, "person": person}), key=person)
            break
        except BufferError:  # full: until something has been delivered
            producer.poll(0.1)
    producer.poll(0)  # takes what is delivered out of the buffer
if producer.flush(10):
    raise SystemExit("not all likes are written")
