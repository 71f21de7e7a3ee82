"""Bring the rows of the outbox into Kafka."""

import os
import sqlite3
import time

from confluent_kafka import Producer

db = sqlite3.connect(os.environ["DATABASE"])
CONFIG = {"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]}
producer = Producer(CONFIG)
while True:
    rows = db.execute("SELECT id, key, value FROM outbox WHERE sent = 0 ORDER BY id LIMIT 20").fetchall()
    for number, key, value in rows:
        producer.produce(os.environ["TOPIC"], value, key, headers={"id": str(number)})
        db.execute("UPDATE outbox SET sent = 1 WHERE id = ?", [number])
    producer.flush()
    db.commit()
    time.sleep(0.1)
