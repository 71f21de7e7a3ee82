"""Lab 8: write two likes by hand into `likes`: one with a field more, one with a field less.

python run.py labs/lab_08_schemas/add_field.py
"""

import json
import time

from confluent_kafka import Producer

from plumbing.kafka import client_config
from settings import TOPIC

ORDER = 0  # nobody clicked them: the numbers of the producer go on undisturbed


def main() -> None:
    now = time.time()
    clicked_at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    like = {"order": ORDER, "clicked_at": clicked_at, "ts_ms": int(now * 1000)}
    more = like | {"country": "de"}
    less = {name: value for name, value in like.items() if name != "ts_ms"}
    producer = Producer(client_config() | {"acks": "all"})
    for event in (more, less):
        producer.produce(TOPIC, json.dumps(event).encode(), partition=0)
        print("written:", json.dumps(event))
    producer.flush(15)


if __name__ == "__main__":
    main()
