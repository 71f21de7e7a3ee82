"""Consumer: one member of the consumer group `likes-ui`; it logs each like that it reads.

    python consumer.py                                      on port 5002; Ctrl+C leaves the group
    CONSUMER_PORT=5003 python consumer.py                   a second member (macOS, Linux)
    cmd /c "set CONSUMER_PORT=5003 && python consumer.py"   a second member (Windows)
    curl http://localhost:5002/status                       its partitions, counts, lag and rebalances

Kafka gives each partition to exactly one member of the group. Start or stop a member and watch the
lines `Assigned:` and `Revoked:` of the others: that is a rebalance.

Everything about consuming is in this file. plumbing/ has the web server, and what keeps the consumer going when the
broker is down or the topic is recreated.
"""

import logging
import re
import time
from collections import Counter, deque

from confluent_kafka import Message, TopicPartition
from flask import Flask, jsonify, request
from werkzeug.exceptions import BadRequest

from plumbing import process, web
from plumbing.lasting_consumer import LastingConsumer
from plumbing.like import parse_like
from settings import BOOTSTRAP_SERVERS, CONSUMER_PORT, GROUP

TOPIC = "likes"

CONFIG = {  # https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md
    "bootstrap.servers": BOOTSTRAP_SERVERS,  # localhost:9092; any broker of a cluster, which then names the others
    "group.id": GROUP,  # likes-ui
    # One of the members, the group's leader, runs the assignor: `range` sorts the members by member id, which
    # starts with the client id, and deals the partitions out in that order: 5002 gets 0, 5003 gets 1, 5004 gets 2.
    "client.id": f"consumer-{CONSUMER_PORT}",
    "partition.assignment.strategy": "range",
    # Where to start without a committed offset in the log, as in a new group. The default is the end.
    "auto.offset.reset": "earliest",
    # The client commits once a second what main() has stored, which it does after an event is processed.
    "enable.auto.commit": True,
    "auto.commit.interval.ms": 1000,
    "enable.auto.offset.store": False,
    # A member that crashes is noticed after 6 s. The default, 45 s, looks like a hang.
    "session.timeout.ms": 6000,
    "heartbeat.interval.ms": 500,  # the answer tells a member that others joined or left
    "topic.metadata.refresh.interval.ms": 2000,  # how soon a new topic or partition is noticed
}

log = logging.getLogger("consumer")


def main() -> None:
    process.log_to_stdout()
    listener = web.listen(CONSUMER_PORT, "CONSUMER_PORT")
    history = History()
    with process.StopSignal() as stop:  # Ctrl+C
        consumer = LastingConsumer(CONFIG, stop)  # a Consumer that returns to its group after an outage
        consumer.subscribe(
            [TOPIC],
            on_assign=lambda _, partitions: history.note_rebalance("assigned", partitions),
            on_revoke=lambda _, partitions: history.note_rebalance("revoked", partitions),
            on_lost=lambda _, partitions: history.note_rebalance("lost", partitions),
        )
        web.serve_in_background(create_app(consumer, history), listener)
        log.info("Consumer on http://localhost:%d, group %s, broker %s", CONSUMER_PORT, GROUP, BOOTSTRAP_SERVERS)
        while not stop.requested:
            message = consumer.poll(1.0)
            if message is not None:
                history.process(message)
                # At least once: only now, with its line written, is the event done. After a crash between the two it is
                # read again; in the opposite order it would be lost. What is committed is where to go on: offset + 1.
                consumer.store_offsets([TopicPartition(TOPIC, message.partition(), message.offset() + 1)])
        consumer.close()  # commits, and leaves the group, which then need not wait for the session timeout
        log.info("Consumer on port %d left the group", CONSUMER_PORT)


class History:
    """What this member of the group has done: written by the poll loop, read by the HTTP API."""

    def __init__(self):
        self.consumed = Counter()  # partition -> events
        self.skipped = 0
        self.messages = deque(maxlen=1000)
        self.rebalances = deque(maxlen=100)

    def process(self, message: Message) -> None:
        """Log the like; skip a record that is not one, as another try would not help."""
        partition, offset = message.partition(), message.offset()
        try:
            like = parse_like(message.value()) | {"partition": partition, "offset": offset}
        except ValueError as reason:
            self.skipped += 1
            log.warning("Skipped: partition=%d offset=%d reason=%s", partition, offset, reason)
        else:
            log.info(
                "Consumed: order=%(order)d partition=%(partition)d clicked_at=%(clicked_at)s ts_ms=%(ts_ms)d", like
            )
            self.consumed[partition] += 1
            self.messages.append(like)

    def note_rebalance(self, event: str, partitions: list[TopicPartition]) -> None:
        """One step of a rebalance: this member gets partitions, gives them back when asked to, or has lost them."""
        changed = sorted(p.partition for p in partitions)
        self.rebalances.append({"at": int(time.time() * 1000), "event": event, "partitions": changed})
        log.info("%s: partitions=%s", event.capitalize(), changed)


def create_app(consumer: LastingConsumer, history: History) -> Flask:
    app = web.create_app(CONSUMER_PORT, usage="GET /health, /messages?limit=50 or /status")

    @app.get("/health")
    def health():
        if problem := consumer.find_problem():
            raise problem  # answered 503
        return {"status": "ok", "broker": BOOTSTRAP_SERVERS, "topic": TOPIC, "group": GROUP}

    @app.get("/messages")
    def messages():
        limit = request.args.get("limit", "50")
        if not re.fullmatch("[0-9]{1,4}", limit) or not 1 <= int(limit) <= 1000:
            raise BadRequest("limit must be a whole number from 1 to 1000")
        return jsonify(list(history.messages)[-int(limit) :])

    @app.get("/status")
    def status():
        position = dict(sorted(consumer.position.items()))
        return {
            "group": GROUP,
            "client_id": CONFIG["client.id"],
            "session_timeout_ms": CONFIG.get("session.timeout.ms", 45_000),
            "assignment": list(position),
            "consumed": history.consumed.total(),
            "consumed_by_partition": dict(sorted(history.consumed.items())),
            "skipped": history.skipped,
            "position": position,  # partition -> offset of the next event
            "lag": consumer.lag(),  # partition -> events written but not yet read
            "problem": consumer.problem,
            "rebalances": list(history.rebalances),
        }

    return app


if __name__ == "__main__":
    main()
