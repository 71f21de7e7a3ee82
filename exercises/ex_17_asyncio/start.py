"""Send a mail for each like, and answer on a port."""

import asyncio
import json
import os
import urllib.request

from confluent_kafka import Consumer, KafkaException


def send_mail(like: dict) -> None:
    urllib.request.urlopen(os.environ["MAIL_URL"], json.dumps(like).encode()).close()


async def answer(reader, writer) -> None:
    writer.write(b"pong\n")
    await writer.drain()
    writer.close()


CONFIG = {
    "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
    "group.id": os.environ["GROUP"],
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,
}


async def main() -> None:
    await asyncio.start_server(answer, "127.0.0.1", int(os.environ["PORT"]))
    consumer = Consumer(CONFIG)
    consumer.subscribe([os.environ["TOPIC"]])
    while True:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        send_mail(json.loads(message.value()))
        consumer.commit(message, asynchronous=False)


asyncio.run(main())
