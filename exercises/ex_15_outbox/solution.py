"""Bring the rows of the outbox into Kafka, and mark those that the broker has confirmed."""

import os
import sqlite3
import time

from confluent_kafka import KafkaException, Producer


def report(error, _message) -> None:
    """The delivery report. A refusal ends the program: what is behind this row must not overtake it."""
    if error:
        raise KafkaException(error)  # comes out of flush()


db = sqlite3.connect(os.environ["DATABASE"])
CONFIG = {
    "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
    "linger.ms": 0,  # it waits for each event
}
producer = Producer(CONFIG)
while True:
    rows = db.execute("SELECT id, key, value FROM outbox WHERE sent = 0 ORDER BY id LIMIT 20").fetchall()
    for number, key, value in rows:
        producer.produce(os.environ["TOPIC"], value, key, headers={"id": str(number)}, on_delivery=report)
        producer.flush()
        db.execute("UPDATE outbox SET sent = 1 WHERE id = ?", [number])
        db.commit()
    time.sleep(0.1)
