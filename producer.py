"""Producer: an HTTP API that publishes each like as an event to the Kafka topic `likes`.

    python producer.py                                start it; Ctrl+C stops it
    curl -X POST http://localhost:5001/like           one like; the answer names its partition and offset
    curl http://localhost:5001/health                 does the broker answer, does the topic exist?

A body is optional: {"key": "ann"} for /like, {"count": 1000} for /likes, a burst.
A like is answered 201 only after the broker has confirmed it: then the event is in the topic's log.

Everything about producing is in this file; plumbing/ has the web server and the questions to the broker.
"""

import json
import logging
import time
from collections import Counter

from confluent_kafka import KafkaError, Producer
from flask import Flask
from werkzeug.exceptions import BadRequest

from plumbing import greenlets, kafka, process, web
from plumbing.kafka import Unavailable
from plumbing.lasting import LastingProducer
from plumbing.orders import Orders
from plumbing.topic import Topic
from settings import BOOTSTRAP_SERVERS, PRODUCER_PORT

TOPIC = "likes"
LARGEST_BURST = 100_000  # likes in one request
LARGEST_BATCH = 1000  # likes that are handed over before other requests have their turn
LONGEST_KEY = 1000  # bytes
LARGEST_QUEUE = 2 * LARGEST_BURST  # events that may wait for the broker
QUEUE_SECONDS = 3  # how long a request waits for room in that queue
KEY_DECIDES = -1  # as an event's partition: the partitioner chooses one by the key

CONFIG = {  # https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md
    "client.id": "producer",
    "acks": "all",  # an event is confirmed when every in-sync replica has it
    "enable.idempotence": True,  # a retry does not write an event twice; docs/RELIABILITY.md has the one exception
    "partitioner": "murmur2_random",  # a key goes where Kafka's Java clients would send it
    # One request at a time: likes that arrive while it is out go with the next one. So they are batched
    # under load, and a single click never waits for others.
    "linger.ms": 0,
    "max.in.flight": 1,
    "message.timeout.ms": 5000,  # an event that is not confirmed by then is given up, and answered 503
    "queue.buffering.max.messages": LARGEST_QUEUE,
}

log = logging.getLogger("producer")


class Likes:
    """Numbers the likes and hands them to Kafka in that order.

    It needs no lock: one thread answers all requests, and turns to another one only while this one waits.
    """

    def __init__(self, producer: Producer, topic: Topic):
        self.producer = producer
        self.topic = topic
        self.orders = Orders(topic)
        self.promised = 0  # room in the producer's queue for bursts that are being handed over

    def publish(self, key: str | None, on_delivery) -> dict:
        """Hand a new event to Kafka and return it. `on_delivery(error, message)`, the delivery report, is called later.
        Raises `Unavailable`: no broker, no topic, or a full queue."""
        partitions = self.topic.partitions(max_age=3)
        self.wait_for_room(1)
        [event] = self.new_events(1)
        # Round robin, by our choice: without a partition, librdkafka sends many events in a row to the same one.
        partition = KEY_DECIDES if key else turn(event, partitions)
        with kafka.fatal_errors():
            # produce() only appends to a queue; librdkafka sends what is in it, in the background.
            self.producer.produce(TOPIC, json.dumps(event), key, partition, on_delivery)
        self.orders.note_handed_over(1, partition)
        return event

    def publish_burst(self, count: int, on_delivery) -> tuple[int, int]:
        """Hand new events to Kafka and return the first and the last `order`; a click meanwhile gets one in between.
        `on_delivery` is called for each event. Raises `Unavailable`."""
        partitions = self.topic.partitions(max_age=3)
        self.wait_for_room(count)
        self.promised += count
        first, left = None, count
        try:
            for share in greenlets.taking_turns(count, LARGEST_BATCH):
                self.promised -= share
                left -= share
                events = self.new_events(share)
                first = first or events[0]["order"]
                for partition in range(partitions):
                    batch = [{"value": json.dumps(event)} for event in events if turn(event, partitions) == partition]
                    with kafka.fatal_errors(batch):
                        # As produce() for each of them, but faster.
                        self.producer.produce_batch(TOPIC, batch, partition=partition, on_delivery=on_delivery)
                    self.orders.note_handed_over(len(batch), partition)
        finally:
            self.promised -= left
        return first, events[-1]["order"]

    def wait_for_room(self, count: int) -> None:
        if not greenlets.wait_until(lambda: len(self.producer) + self.promised + count <= LARGEST_QUEUE, QUEUE_SECONDS):
            raise Unavailable("too many likes are waiting for the broker", "wait a moment, then click again")

    def new_events(self, count: int) -> list[dict]:
        now = time.time()
        when = {"clicked_at": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now)), "ts_ms": int(now * 1000)}
        return [{"order": order} | when for order in self.orders.take(count, unconfirmed=len(self.producer))]


def turn(event: dict, partitions: int) -> int:
    return (event["order"] - 1) % partitions


def create_app(producer: Producer, topic: Topic) -> Flask:
    app = web.create_app(PRODUCER_PORT, usage='POST /like {"key": "ann"}, POST /likes {"count": 1000} or GET /health')
    likes = Likes(producer, topic)

    @app.post("/like")
    def like():
        key = web.json_body("key").get("key")
        if key is not None and not is_key(key):
            raise BadRequest(f'"key" must be a text of 1 to {LONGEST_KEY} bytes in UTF-8')
        report = greenlets.Report()
        event = likes.publish(key, on_delivery=report)
        error, message = report.wait()  # until message.timeout.ms at most; other clicks are answered meanwhile
        if error:
            log.warning("Not delivered: order=%d %s", event["order"], error.str())
            hint = "see what is wrong (python run.py doctor), then click again"
            raise Unavailable(f"the broker did not confirm the like: {reason(error)}", hint)
        likes.orders.look_for_others(message)
        place = {"partition": message.partition(), "offset": message.offset()}
        log.info("Delivered: order=%d partition=%d offset=%d", event["order"], place["partition"], place["offset"])
        return event | place, 201

    @app.post("/likes")
    def burst():
        count = web.json_body("count").get("count")
        if type(count) is not int or not 1 <= count <= LARGEST_BURST:
            raise BadRequest(f'"count" must be a whole number from 1 to {LARGEST_BURST}')
        reports = []  # of each event: the partition that it is in, or why it is in none

        def on_delivery(error, message):
            reports.append(reason(error) if error else message.partition())

        first, last = likes.publish_burst(count, on_delivery)
        greenlets.wait_until(lambda: len(reports) == count)
        reasons = sorted({report for report in reports if isinstance(report, str)})
        partitions = {partition: n for partition, n in Counter(reports).items() if partition not in reasons}
        partitions = dict(sorted(partitions.items()))
        confirmed = sum(partitions.values())
        log.info("Delivered: %d of %d likes, partitions=%s", confirmed, count, json.dumps(partitions))
        if reasons:
            raise Unavailable(f"the broker confirmed {confirmed} of {count} likes: {', '.join(reasons)}")
        return {"count": count, "first_order": first, "last_order": last, "partitions": partitions}, 201

    @app.get("/health")
    def health():
        return {"status": "ok", "broker": BOOTSTRAP_SERVERS, "topic": TOPIC, "partitions": topic.partitions()}

    return app


def is_key(key) -> bool:
    try:
        return 0 < len(key.encode()) <= LONGEST_KEY
    except (AttributeError, UnicodeEncodeError):  # not a text; half a surrogate pair, which JSON can carry
        return False


def reason(error: KafkaError) -> str:
    timed_out = error.code() in (KafkaError._MSG_TIMED_OUT, KafkaError._TIMED_OUT)
    return "no answer from it in time" if timed_out else error.str()


def main() -> None:
    process.log_to_stdout()
    listener = web.listen(PRODUCER_PORT, "PRODUCER_PORT")
    producer = LastingProducer(CONFIG)  # a Producer that is replaced when the broker has cut it off
    app = create_app(producer, Topic(TOPIC, CONFIG, greenlets.in_thread, producer))
    log.info("Producer on http://localhost:%d, broker %s, topic %s", PRODUCER_PORT, BOOTSTRAP_SERVERS, TOPIC)
    greenlets.serve(app, listener, producer)  # calls producer.poll() again and again, which calls on_delivery
    undelivered = producer.flush(1)  # every request is answered: events are left only if Kafka gave up on this producer
    log.info("Producer stopped, %d likes not delivered", undelivered)


if __name__ == "__main__":
    main()
