"""What many tutorials show: Flask's development server, and a flush for each like.

python -m bench.peers.flask_flush SERVERS TOPIC PORT

This server closes the connection after each answer.
"""

import itertools
import json
import logging
import sys

from confluent_kafka import Producer
from flask import Flask

from bench.peers.likes import delivered, log_to_stdout, new_like

SERVERS, TOPIC, PORT = sys.argv[1:]
PARTITIONS = 3

app = Flask(__name__)
orders = itertools.count(1)
config = {"bootstrap.servers": SERVERS, "acks": "all", "enable.idempotence": True, "linger.ms": 0}
producer = Producer(config | {"message.timeout.ms": 5000})


@app.get("/health")
def health():
    return {"status": "ok"}


@app.post("/like")
def like():
    event = new_like(next(orders))
    reports = []
    producer.produce(
        TOPIC,
        json.dumps(event).encode(),
        partition=(event["order"] - 1) % PARTITIONS,
        on_delivery=lambda error, message: reports.append((error, message)),
    )
    while not reports:  # a flush of another thread may have called on_delivery, or be about to
        producer.flush()
    error, message = reports[0]
    if error:
        return {"error": error.str()}, 503
    return delivered(event, message.partition(), message.offset()), 201


if __name__ == "__main__":
    log_to_stdout()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app.run(host="127.0.0.1", port=int(PORT), threaded=True)
