"""Producer: an HTTP API that publishes each like as an event to the Kafka topic `likes`.

    python producer.py                                start it; Ctrl+C stops it
    curl -X POST http://localhost:5001/like           one like; the answer names its partition and offset
    curl http://localhost:5001/health                 does the broker answer, does the topic exist?

A body is optional: {"key": "ann"} for /like, {"count": 1000} for /likes, a burst.
A like is answered 201 only after the broker has confirmed it: then the event is in the topic's log.

Everything about producing is in this file. plumbing/ has the web server, the burst, and what keeps the producer going
when the broker is down.
"""

import json
import logging
import time

from flask import Flask

from plumbing import burst, greenlets, process, web
from plumbing.kafka import not_confirmed
from plumbing.lasting_producer import LastingProducer
from plumbing.orders import Orders
from settings import BOOTSTRAP_SERVERS, PRODUCER_PORT

TOPIC = "likes"

CONFIG = {  # https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md
    "bootstrap.servers": BOOTSTRAP_SERVERS,  # localhost:9092; any broker of a cluster, which then names the others
    "client.id": "producer",
    "acks": "all",  # an event is confirmed when every in-sync replica has it
    "enable.idempotence": True,  # a retry does not write an event twice; docs/RELIABILITY.md has the one exception
    "partitioner": "murmur2_random",  # a key goes where Kafka's Java clients would send it
    # One request at a time: likes that arrive meanwhile are sent together in the next one. So they are batched under
    # load, and a single click never waits for others.
    "linger.ms": 0,
    "max.in.flight": 1,
    "message.timeout.ms": 5000,  # an event that is not confirmed by then is abandoned, and answered 503
    "queue.buffering.max.messages": 200_000,  # events that may wait for the broker
}

log = logging.getLogger("producer")


def create_app(producer: LastingProducer, orders: Orders) -> Flask:
    app = web.create_app(PRODUCER_PORT, usage='POST /like {"key": "ann"}, POST /likes {"count": 1000} or GET /health')

    @app.post("/like")
    def like():
        key = web.requested_key()  # None without one
        partitions = producer.partitions(TOPIC, room_for=1)  # raises what is answered 503: no broker, no topic ...
        [event] = new_events(1, partitions)
        value, report = json.dumps(event), greenlets.Report()
        # produce() only appends to a queue, which librdkafka sends in the background.
        if key is None:
            # Round robin, by our choice: without a partition, librdkafka sends many events in a row to the same one.
            producer.produce(TOPIC, value, partition=(event["order"] - 1) % partitions, on_delivery=report)
        else:
            # The partitioner chooses by the key: all events with this key are in one partition, in order.
            producer.produce(TOPIC, value, key, on_delivery=report)
        error, message = report.wait()  # for message.timeout.ms at most; other clicks are answered meanwhile
        if error:
            log.warning("Not delivered: order=%d %s", event["order"], error.str())
            raise not_confirmed(error)  # answered 503
        place = {"partition": message.partition(), "offset": message.offset()}
        log.info("Delivered: order=%d partition=%d offset=%d", event["order"], place["partition"], place["offset"])
        return event | place, 201

    @app.post("/likes")
    def likes():
        return burst.publish(producer, TOPIC, new_events), 201

    @app.get("/health")
    def health():
        return {"status": "ok", "broker": BOOTSTRAP_SERVERS, "topic": TOPIC, "partitions": producer.partitions(TOPIC)}

    def new_events(count: int, partitions: int) -> list[dict]:
        now = time.time()
        when = {"clicked_at": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now)), "ts_ms": int(now * 1000)}
        return [{"order": order} | when for order in orders.take(count, partitions)]

    return app


def main() -> None:
    process.log_to_stdout()
    listener = web.listen(PRODUCER_PORT, "PRODUCER_PORT")
    producer = LastingProducer(CONFIG)  # a Producer that finds the broker again after an outage

    def receive_reports() -> None:
        # The broker's answers arrive in a thread of librdkafka. Only poll() passes them on: it calls `on_delivery`, the
        # delivery report, for each event. A program that does not poll learns of nothing.
        while True:
            producer.poll(0.2)

    app = create_app(producer, Orders(TOPIC, CONFIG))
    log.info("Producer on http://localhost:%d, broker %s, topic %s", PRODUCER_PORT, BOOTSTRAP_SERVERS, TOPIC)
    greenlets.serve(app, listener, beside=receive_reports)  # until Ctrl+C
    undelivered = producer.flush(1)  # every request is answered: events are left only if Kafka gave up on this producer
    log.info("Producer stopped, %d likes not delivered", undelivered)


if __name__ == "__main__":
    main()
