"""Exercise 13: a group does not wait for the work of one of its members."""

import pytest

from tests.exercises.programs import cases

POLLS = "    while not job.done():\n        consumer.poll(0.1)\n"
PAUSE = "    consumer.pause(consumer.assignment())\n"
RESULT = "    job.result()  # raises what went wrong\n"
ASSIGN = ", on_assign=pause_while_busy)"
COMMIT = """        if message.partition() in [place.partition for place in consumer.assignment()]:  # it may have moved
            consumer.commit(message, asynchronous=False)
"""
HEAD = """
import json, os, queue, threading, urllib.request
from confluent_kafka import Consumer, KafkaException, TopicPartition

def make_video(like):
    urllib.request.urlopen(os.environ["VIDEO_URL"], json.dumps(like).encode()).close()

CONFIG = {"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"], "group.id": os.environ["GROUP"],
          "auto.offset.reset": "earliest", "enable.auto.commit": False}
"""
# Reads on while it works, but goes back to what it cannot take.
GOES_BACK = (
    HEAD
    + """
work, done = queue.Queue(), queue.Queue()
busy = False

def worker():
    while True:
        message = work.get()
        make_video(json.loads(message.value()))
        done.put(message)

threading.Thread(target=worker, daemon=True).start()
consumer = Consumer(CONFIG)
consumer.subscribe([os.environ["TOPIC"]])
try:
    while True:
        message = consumer.poll(0.05)
        while not done.empty():
            finished, busy = done.get(), False
            if finished.partition() in [place.partition for place in consumer.assignment()]:
                consumer.commit(finished, asynchronous=False)
            consumer.resume(consumer.assignment())
        if message is None or message.error():
            continue
        if busy:
            place = TopicPartition(message.topic(), message.partition(), message.offset())
            consumer.seek(place)
            consumer.pause([place])
        else:
            busy = True
            work.put(message)
            consumer.pause(consumer.assignment())
finally:
    consumer.close()
"""
)
ASYNCIO = (
    HEAD
    + """
import asyncio
from confluent_kafka.aio import AIOConsumer

async def main():
    job = None
    async def assign(consumer, partitions):
        await consumer.assign(partitions)
        if job and not job.done():
            await consumer.pause(partitions)
    consumer = AIOConsumer(CONFIG)
    await consumer.subscribe([os.environ["TOPIC"]], on_assign=assign)
    try:
        while True:
            message = await consumer.poll(1.0)
            if message is None or message.error():
                continue
            job = asyncio.create_task(asyncio.to_thread(make_video, json.loads(message.value())))
            await consumer.pause(await consumer.assignment())
            while not job.done():
                await consumer.poll(0.1)
            await job
            await consumer.resume(await consumer.assignment())
            await consumer.commit(message=message, asynchronous=False)
    finally:
        await consumer.close()

asyncio.run(main())
"""
)
QUEUE = (
    HEAD
    + """
from collections import deque
from concurrent.futures import ThreadPoolExecutor

pool, jobs = ThreadPoolExecutor(1), deque()
consumer = Consumer(CONFIG)
consumer.subscribe([os.environ["TOPIC"]])
try:
    while True:
        message = consumer.poll(0.05)
        if message is not None and not message.error():
            jobs.append((pool.submit(make_video, json.loads(message.value())), message))
        while jobs and jobs[0][0].done():
            consumer.commit(jobs.popleft()[1], asynchronous=False)
finally:
    consumer.close()
"""
)
RIGHT = {
    "goes back to what it cannot take": GOES_BACK,
    "asyncio": ASYNCIO,
    "commits in any case": [(COMMIT, "        consumer.commit(message, asynchronous=False)\n")],
    "two threads, one job": [("ThreadPoolExecutor(1)", "ThreadPoolExecutor(2)")],
}
TAKES_ALL = [
    (POLLS, ""),
    (PAUSE, ""),
    (RESULT, ""),
    ("    consumer.resume(consumer.assignment())\n", ""),
]
WRONG = {
    "waits for the thread": ([(POLLS, "")], "meanwhile a second instance gets its partitions: it has had none for"),
    "commits when the job begins": (TAKES_ALL, "committed, but not made: orders"),
    "drops what it reads meanwhile": ([(PAUSE, ""), (ASSIGN, ")")], "all videos are made: missing: orders"),
    "auto commit": (
        [('    "enable.auto.commit": False,\n', ""), (COMMIT, "")],
        "committed, but not made: orders",
    ),
    "eight at once, never commits": (
        [*TAKES_ALL, ("ThreadPoolExecutor(1)", "ThreadPoolExecutor(8)"), (COMMIT, "")],
        "one video after the other: it works on",
    ),
    "reads all into a queue": (QUEUE, "at most one of them twice: twice: orders"),
    "never commits": ([(COMMIT, "        pass\n")], "in the end, all is committed: partition 0: 0 of"),
}


@pytest.mark.parametrize("case", cases(13, "it has had none for", RIGHT, WRONG))
def test_verdict(case, judge):
    judge(case)
