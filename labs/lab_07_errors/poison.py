"""Lab 7: write three records that are not likes to `likes`, as a buggy program would.

python run.py labs/lab_07_errors/poison.py
"""

from confluent_kafka import Producer

from plumbing.kafka import client_config
from settings import TOPIC

POISON = (
    b"\x00\x01",
    b'{"order": 1}',
    b'{"order": "one", "clicked_at": "2025-12-20 21:45:01", "ts_ms": 1734721501000}',
)


def main() -> None:
    producer = Producer(client_config() | {"acks": "all"})

    def delivered(error, message) -> None:
        position = f"partition {message.partition()}, offset {message.offset()}"
        print(error.str() if error else f"{position}: {message.value()!r}")

    for partition, value in enumerate(POISON):
        producer.produce(TOPIC, value, partition=partition, on_delivery=delivered)
    producer.flush(15)


if __name__ == "__main__":
    main()
