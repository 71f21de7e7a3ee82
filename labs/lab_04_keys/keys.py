"""Lab 4: which partition does a key go to, and what changes when the topic gets another partition?

    python run.py labs/lab_04_keys/keys.py

Sends an event for each of eight keys, and prints which partitions have events of each key.
"""

from confluent_kafka import Producer

from labs.topics import make_topic, named, partitions_of, read
from plumbing.kafka import client_config

TOPIC = named("keys")
PARTITIONS = 3
KEYS = ("ann", "ben", "cem", "dora", "eva", "finn", "gina", "hugo")
# Sends a key to the same partition as Kafka's Java clients. librdkafka's default, consistent_random, uses another hash.
PARTITIONER = "murmur2_random"


def main() -> None:
    make_topic(TOPIC, PARTITIONS)
    count = partitions_of(TOPIC)
    producer = Producer(client_config() | {"partitioner": PARTITIONER})
    for key in KEYS:
        producer.produce(TOPIC, f"sent to {count} partitions".encode(), key)
    producer.flush(15)

    where: dict[str, list[int]] = {key: [] for key in KEYS}
    for record in sorted(read(TOPIC), key=lambda record: record.timestamp()[1]):
        partitions = where[record.key().decode()]
        if record.partition() not in partitions:
            partitions.append(record.partition())
    print(f"{TOPIC} has {count} partitions")
    for key, partitions in where.items():
        print(f"  {key:<5} partition {', then '.join(map(str, partitions))}")


if __name__ == "__main__":
    main()
