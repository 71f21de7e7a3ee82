"""Make a video for each like, in a thread, and poll meanwhile."""

import json
import os
import urllib.request
from concurrent.futures import Future, ThreadPoolExecutor

from confluent_kafka import Consumer, KafkaException, Message

pool = ThreadPoolExecutor(1)
job: Future | None = None


def make_video(like: dict) -> None:
    urllib.request.urlopen(os.environ["VIDEO_URL"], json.dumps(like).encode()).close()


def work_on(message: Message) -> None:
    """Returns when the video is made. The consumer stays in its group, and reads nothing."""
    global job
    job = pool.submit(make_video, json.loads(message.value()))
    consumer.pause(consumer.assignment())
    while not job.done():
        consumer.poll(0.1)
    job.result()  # raises what went wrong
    consumer.resume(consumer.assignment())


def pause_while_busy(consumer, partitions) -> None:
    consumer.assign(partitions)
    if job and not job.done():
        consumer.pause(partitions)


CONFIG = {
    "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
    "group.id": os.environ["GROUP"],
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,
}
consumer = Consumer(CONFIG)
consumer.subscribe([os.environ["TOPIC"]], on_assign=pause_while_busy)
try:
    while True:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        work_on(message)
        if message.partition() in [place.partition for place in consumer.assignment()]:  # it may have moved
            consumer.commit(message, asynchronous=False)
finally:
    consumer.close()
