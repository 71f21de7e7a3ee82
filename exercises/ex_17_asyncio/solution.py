"""Send a mail for each like, five at a time, and answer on a port meanwhile."""

import asyncio
import json
import os
import urllib.request

from confluent_kafka import KafkaException
from confluent_kafka.aio import AIOConsumer


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
    consumer = AIOConsumer(CONFIG)
    await consumer.subscribe([os.environ["TOPIC"]])
    try:
        while True:
            messages = await consumer.consume(5, 0.5)
            for message in messages:
                if message.error():
                    raise KafkaException(message.error())
            likes = [json.loads(message.value()) for message in messages]
            await asyncio.gather(*(asyncio.to_thread(send_mail, like) for like in likes))
            if messages:
                await consumer.commit(asynchronous=False)
    finally:
        await consumer.close()


asyncio.run(main())
