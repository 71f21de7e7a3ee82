"""A bare `Producer.produce` loop with the JSON of producer.py, confirmed and idempotent as there.

python -m bench.peers.produce_loop SERVERS TOPIC

For each number that it reads, it writes so many likes and prints the seconds until all were confirmed.
"""

import json
import sys
import time

from confluent_kafka import Producer

from bench.peers.likes import new_like

SERVERS, TOPIC = sys.argv[1:]
PARTITIONS = 3


def produce(producer: Producer, count: int) -> None:
    for order in range(1, count + 1):
        value = json.dumps(new_like(order)).encode()
        while True:
            try:
                producer.produce(TOPIC, value, partition=(order - 1) % PARTITIONS)
                break
            except BufferError:  # its queue is full
                producer.poll(0.01)
    if producer.flush(60):
        sys.exit("not all were confirmed")


def main() -> None:
    producer = Producer({"bootstrap.servers": SERVERS, "acks": "all", "enable.idempotence": True})
    produce(producer, 1)  # connects
    print("ready", flush=True)
    for line in sys.stdin:
        started = time.perf_counter()
        produce(producer, int(line))
        print(f"took {time.perf_counter() - started}", flush=True)


if __name__ == "__main__":
    main()
