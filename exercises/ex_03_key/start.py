"""Write the likes of a file into a topic, with the person as the key."""

import json
import os
from pathlib import Path

from confluent_kafka import Producer

CONFIG = {"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]}
producer = Producer(CONFIG)
with Path(os.environ["LIKES"]).open(encoding="utf-8") as likes:
    for line in likes:
        person = json.loads(line)["person"]
        producer.produce(os.environ["TOPIC"], line.strip(), key=person, headers={"source": "web"})
if producer.flush(10):
    raise SystemExit("not all likes are written")
