"""Print the lag of a group in each partition of a topic."""

import os

from confluent_kafka import Consumer, TopicPartition

TOPIC = os.environ["TOPIC"]
CONFIG = {
    "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
    "group.id": os.environ["GROUP"],
}
consumer = Consumer(CONFIG)
partitions = consumer.list_topics(timeout=10).topics[TOPIC].partitions
for place in consumer.committed([TopicPartition(TOPIC, number) for number in partitions], timeout=10):
    low, high = consumer.get_watermark_offsets(place, timeout=10)
    lag = high - place.offset if place.offset >= 0 else 0
    print(f"partition={place.partition} lag={lag}")
consumer.close()
