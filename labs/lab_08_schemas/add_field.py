"""Lab 8: write two events to `likes`: a like with an extra field, and one with a missing field.

python run.py labs/lab_08_schemas/add_field.py
"""

import json
import time

from confluent_kafka import Producer

from plumbing.kafka import client_config
from settings import TOPIC

ORDER = 0  # nobody clicked these: they must not affect the producer's numbering


def main() -> None:
    now = time.time()
    clicked_at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    like = {"order": ORDER, "clicked_at": clicked_at, "ts_ms": int(now * 1000)}
    extra = like | {"country": "de"}
    missing = {name: value for name, value in like.items() if name != "ts_ms"}
    producer = Producer(client_config() | {"acks": "all"})
    for event in (extra, missing):
        producer.produce(TOPIC, json.dumps(event).encode(), partition=0)
        print("written:", json.dumps(event))
    producer.flush(15)


if __name__ == "__main__":
    main()
