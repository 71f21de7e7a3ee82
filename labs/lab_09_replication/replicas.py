"""Lab 9: the leader of each partition of `likes`, its replicas, and whether it can be read.

python run.py labs/lab_09_replication/replicas.py
"""

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from labs.topics import BROKER_SECONDS, named
from plumbing.kafka import client_config
from settings import TOPIC

READ_SECONDS = 5.0


def can_be_read(partition: int) -> str:
    """The result of reading the first event of the partition."""
    own = {"group.id": named("onlooker"), "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer(client_config() | own)
    consumer.assign([TopicPartition(TOPIC, partition, 0)])
    message = consumer.poll(READ_SECONDS)
    consumer.close()
    return "can be read" if message is not None and not message.error() else "cannot be read now"


def main() -> None:
    cluster = AdminClient(client_config()).list_topics(timeout=BROKER_SECONDS)
    for number, partition in sorted(cluster.topics[TOPIC].partitions.items()):
        state = f"leader {partition.leader}, replicas {sorted(partition.replicas)}, in sync {sorted(partition.isrs)}"
        print(f"partition {number}: {state}: {can_be_read(number)}")


if __name__ == "__main__":
    main()
