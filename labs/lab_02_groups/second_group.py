"""Lab 2: a second consumer group reads the topic `likes`, as if it were the only one.

python run.py labs/lab_02_groups/second_group.py      joins, reads what is new to it, commits and leaves
"""

from collections import Counter

from confluent_kafka import Consumer, KafkaException

from labs.topics import SESSION, named, next_message
from plumbing.identity import Identity
from plumbing.kafka import client_config
from plumbing.topic import Admin, at_end
from settings import TOPIC

GROUP = named("second")


def main() -> None:
    own = {
        "group.id": GROUP,
        "client.id": GROUP,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.partition.eof": True,  # report the end of a partition
    }
    consumer = Consumer(client_config() | SESSION | own)
    identity = Identity(TOPIC, Admin())
    consumer.subscribe([TOPIC], on_assign=identity.ignore_stale_offsets)
    counts, ended, read = Counter(), set(), {}
    try:
        while not ended or len(ended) < len(consumer.assignment()):
            message = next_message(consumer, GROUP)
            if not message.error():
                counts[message.partition()] += 1
            elif at_end(message):
                ended.add(message.partition())
            else:
                raise KafkaException(message.error())
            read[message.partition()] = identity.offset_after(message)
        if counts:
            consumer.commit(offsets=list(read.values()), asynchronous=False)
    finally:
        consumer.close()  # leaves the group, also after Ctrl+C: the next run need not wait
    for partition in sorted(ended):
        print(f"partition {partition}: {counts[partition]} events")
    print(f"{GROUP} has read {counts.total()} events")


if __name__ == "__main__":
    main()
