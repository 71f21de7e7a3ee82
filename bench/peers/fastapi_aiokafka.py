"""FastAPI + aiokafka's `send_and_wait`, on uvicorn with uvloop and httptools.

python -m bench.peers.fastapi_aiokafka SERVERS TOPIC PORT
"""

import contextlib
import itertools
import json
import sys

import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI

from bench.peers.likes import delivered, log_to_stdout, new_like

SERVERS, TOPIC, PORT = sys.argv[1:]
PARTITIONS = 3

orders = itertools.count(1)
kafka = {}


@contextlib.asynccontextmanager
async def lifespan(_app):
    kafka["producer"] = AIOKafkaProducer(
        bootstrap_servers=SERVERS, acks="all", enable_idempotence=True, linger_ms=0, request_timeout_ms=5000
    )
    await kafka["producer"].start()
    yield
    await kafka["producer"].stop()


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.post("/like", status_code=201)
async def like():
    event = new_like(next(orders))
    value = json.dumps(event).encode()
    record = await kafka["producer"].send_and_wait(TOPIC, value, partition=(event["order"] - 1) % PARTITIONS)
    return delivered(event, record.partition, record.offset)


if __name__ == "__main__":
    log_to_stdout()
    uvicorn.run(app, host="127.0.0.1", port=int(PORT), log_level="warning", access_log=False)
