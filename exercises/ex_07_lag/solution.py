"""Print the lag of a group in each partition of a topic: what is in the log and not read."""

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
    following = max(place.offset, low)  # without a commit, the offset is negative
    print(f"partition={place.partition} lag={high - following}")
consumer.close()
