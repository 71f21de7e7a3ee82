"""Count the likes of each person in a table."""

import json
import os
import sqlite3

from confluent_kafka import Consumer, KafkaException

db = sqlite3.connect(os.environ["DATABASE"])
db.execute("CREATE TABLE IF NOT EXISTS likes (person TEXT PRIMARY KEY, count INTEGER NOT NULL)")


def count(person: str) -> None:
    db.execute("INSERT INTO likes VALUES (?, 1) ON CONFLICT (person) DO UPDATE SET count = count + 1", [person])


CONFIG = {
    "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
    "group.id": os.environ["GROUP"],
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,
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
        count(json.loads(message.value())["person"])
        db.commit()
        consumer.commit(message, asynchronous=False)
finally:
    consumer.close()
