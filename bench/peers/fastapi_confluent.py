"""FastAPI + confluent-kafka's `AIOProducer`, on uvicorn with uvloop and httptools.

python -m bench.peers.fastapi_confluent SERVERS TOPIC PORT

AIOProducer collects `batch_size` likes before it hands them on, and looks at what waits no more often than ten
times a second. With its default of 1000 a click would take 0.1 s and more; 1 hands on each like at once and was the
fastest of 1, 4 and 16. librdkafka still puts what comes together into one request.
"""

import asyncio
import contextlib
import itertools
import json
import sys

import uvicorn
from confluent_kafka.aio import AIOProducer
from fastapi import FastAPI

from bench.peers.likes import delivered, log_to_stdout, new_like

SERVERS, TOPIC, PORT = sys.argv[1:4]
BATCH_SIZE = 1
PARTITIONS = 3

orders = itertools.count(1)
kafka = {}


@contextlib.asynccontextmanager
async def lifespan(_app):
    config = {"bootstrap.servers": SERVERS, "acks": "all", "enable.idempotence": True, "linger.ms": 0}
    kafka["producer"] = AIOProducer(config | {"message.timeout.ms": 5000}, batch_size=BATCH_SIZE)
    reports = asyncio.create_task(poll_for_delivery_reports())
    yield
    reports.cancel()
    await kafka["producer"].close()


async def poll_for_delivery_reports():
    while True:
        await kafka["producer"].poll(0.1)


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.post("/like", status_code=201)
async def like():
    event = new_like(next(orders))
    value = json.dumps(event).encode()
    message = await (await kafka["producer"].produce(TOPIC, value, partition=(event["order"] - 1) % PARTITIONS))
    return delivered(event, message.partition(), message.offset())


if __name__ == "__main__":
    log_to_stdout()
    uvicorn.run(app, host="127.0.0.1", port=int(PORT), log_level="warning", access_log=False)
