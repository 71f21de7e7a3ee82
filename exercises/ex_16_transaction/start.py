"""Write the score of each like into a second topic."""

import json
import os
import urllib.request

from confluent_kafka import Consumer, KafkaException, Producer


def ask_for_score(like: dict) -> None:
    urllib.request.urlopen(os.environ["SCORE_URL"], json.dumps(like).encode()).close()


SERVERS = {"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]}
CONFIG = {"group.id": os.environ["GROUP"], "auto.offset.reset": "earliest", "enable.auto.commit": False}
producer = Producer(SERVERS | {"transactional.id": os.environ["TRANSACTIONAL_ID"]})
producer.init_transactions()
consumer = Consumer(SERVERS | CONFIG)
consumer.subscribe([os.environ["TOPIC"]])
try:
    while True:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        ask_for_score(json.loads(message.value()))
        producer.begin_transaction()
        producer.produce(os.environ["SCORES"], message.value(), message.key())
        producer.commit_transaction()
        consumer.commit(message, asynchronous=False)
finally:
    consumer.close()
