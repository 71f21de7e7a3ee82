"""Count the likes of each person in a table, each once: offsets and counts are in the same transaction."""

import json
import os
import sqlite3

from confluent_kafka import Consumer, KafkaException

db = sqlite3.connect(os.environ["DATABASE"])
db.execute("CREATE TABLE IF NOT EXISTS likes (person TEXT PRIMARY KEY, count INTEGER NOT NULL)")
db.execute("CREATE TABLE IF NOT EXISTS next (topic, partition, offset, PRIMARY KEY (topic, partition))")


def count(person: str) -> None:
    db.execute("INSERT INTO likes VALUES (?, 1) ON CONFLICT (person) DO UPDATE SET count = count + 1", [person])


def counted(message) -> bool:
    """True if it is in the table already."""
    row = db.execute("SELECT offset FROM next WHERE topic = ? AND partition = ?", place(message)).fetchone()
    return row is not None and message.offset() < row[0]


def place(message) -> list:
    return [message.topic(), message.partition()]


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
        if not counted(message):
            count(json.loads(message.value())["person"])
            db.execute("INSERT OR REPLACE INTO next VALUES (?, ?, ?)", [*place(message), message.offset() + 1])
            db.commit()
        consumer.commit(message, asynchronous=False)
finally:
    consumer.close()
