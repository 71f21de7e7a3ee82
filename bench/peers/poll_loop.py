"""A bare `Consumer.poll` loop with the settings of consumer.py and its `store_offsets`, and nothing else.

python -m bench.peers.poll_loop TOPIC COUNT

Prints the seconds from the first to the last of `COUNT` events. KAFKA_BOOTSTRAP_SERVERS and CONSUMER_GROUP say where.
"""

import sys
import time

from confluent_kafka import Consumer

from consumer import CONFIG
from plumbing.kafka import client_config


def main(topic: str, count: int) -> None:
    consumer = Consumer(client_config() | CONFIG)
    consumer.subscribe([topic])
    read, started = 0, 0.0
    while read < count:
        message = consumer.poll(1.0)
        if message is None or message.error():
            continue
        started = started or time.perf_counter()
        read += 1
        consumer.store_offsets(message)
    print(f"took {time.perf_counter() - started}", flush=True)
    consumer.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
