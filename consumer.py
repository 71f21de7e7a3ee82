"""Consumer: one member of the consumer group `likes-ui`; it logs each like that it reads.

    python consumer.py                                      on port 5002; Ctrl+C leaves the group
    CONSUMER_PORT=5003 python consumer.py                   a second member (macOS, Linux)
    cmd /c "set CONSUMER_PORT=5003 && python consumer.py"   a second member (Windows)
    curl http://localhost:5002/status                       its partitions, counts, lag and rebalances

Kafka gives each partition to exactly one member of the group. Start or stop a member and watch the
lines `Assigned:` and `Revoked:` of the others: that is a rebalance.

Everything about consuming is in this file; plumbing/ has the web server and the questions to the broker.
"""

import logging
import re
import time
from collections import Counter, deque

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition
from flask import Flask, jsonify, request
from werkzeug.exceptions import BadRequest

from plumbing import kafka, lasting, process, web
from plumbing.kafka import Unavailable
from plumbing.like import parse_like
from plumbing.topic import Topic, at_end
from settings import BOOTSTRAP_SERVERS, CONSUMER_PORT, GROUP

TOPIC = "likes"
POLL_SECONDS = 1.0
MESSAGES_KEPT = 1000  # for /messages
STRANDED_SECONDS = 15.0  # how long to wait for the group before asking whether it knows this member
REBALANCES_KEPT = 100  # for /status
LIKE_LOGGED = "Consumed: order=%(order)d partition=%(partition)d clicked_at=%(clicked_at)s ts_ms=%(ts_ms)d"

CONFIG = {  # https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md
    "group.id": GROUP,
    # One of the members, the group's leader, runs the assignor: `range` sorts the members by member id, which
    # starts with the client id, and deals the partitions out in that order: 5002 gets 0, 5003 gets 1, 5004 gets 2.
    "client.id": f"consumer-{CONSUMER_PORT}",
    "partition.assignment.strategy": "range",
    # Where to start without a committed offset in the log, as in a new group. The default is the end.
    "auto.offset.reset": "earliest",
    "enable.auto.offset.store": False,  # main() stores an offset once its event is logged,
    "auto.commit.interval.ms": 1000,  # and the client commits what is stored once a second
    # A member that crashes is missed after 6 s. The default, 45 s, looks like a hang.
    "session.timeout.ms": 6000,
    "heartbeat.interval.ms": 500,  # the answer tells a member that others joined or left
    "topic.metadata.refresh.interval.ms": 2000,  # how soon a new topic or partition is seen
    # Report the end of a partition, too: the last offsets may be taken by a transaction's markers, or by
    # records of a transaction that was aborted, and only the end tells that nothing is left to read.
    "enable.partition.eof": True,
}

log = logging.getLogger("consumer")


class Member:
    """What this member of the group has done: written by the poll loop, read by the HTTP API."""

    def __init__(self):
        self.polled_at = time.monotonic()
        self.error = None  # the last KafkaError that note_problem() has not dealt with
        self.problem = ""  # what keeps it from reading
        self.consumed = Counter()  # partition -> events
        self.skipped = 0
        self.messages = deque(maxlen=MESSAGES_KEPT)
        self.position = {}  # assigned partition -> offset of the next event, None before the first
        self.rebalances = deque(maxlen=REBALANCES_KEPT)
        self.waiting_since = None  # when it began to wait for an assignment; None while it has one

    def join_group(self, topic: Topic) -> Consumer:
        def on_assign(consumer: Consumer, partitions: list[TopicPartition]) -> None:
            self.note_rebalance("assigned", partitions)
            topic.ignore_offsets_of_its_predecessor(consumer, partitions)

        consumer = kafka.connect(Consumer, CONFIG | {"error_cb": self.note_error})
        consumer.subscribe(
            [TOPIC],
            on_assign=on_assign,
            on_revoke=lambda _, partitions: self.note_rebalance("revoked", partitions),
            on_lost=lambda _, partitions: self.note_rebalance("lost", partitions),
        )
        self.waiting_since = time.monotonic()
        return consumer

    def note_error(self, error: KafkaError) -> None:
        self.error = error

    def note_rebalance(self, event: str, partitions: list[TopicPartition]) -> None:
        changed = sorted(p.partition for p in partitions)
        kept = {p: offset for p, offset in self.position.items() if p not in changed}
        self.position = kept | dict.fromkeys(changed) if event == "assigned" else kept
        self.waiting_since = None if event == "assigned" else time.monotonic()
        self.rebalances.append({"at": int(time.time() * 1000), "event": event, "partitions": changed})
        log.info("%s: partitions=%s", event.capitalize(), changed)

    def is_stranded(self, topic: Topic) -> bool:
        """Whether it has long been waiting, and the group does not know it although the broker answers."""
        if self.waiting_since is None or time.monotonic() - self.waiting_since < STRANDED_SECONDS:
            return False
        self.waiting_since = time.monotonic()
        return topic.is_missed_by_group()

    def process(self, message: Message) -> None:
        """Log the like; skip a record that is not one."""
        partition, offset = message.partition(), message.offset()
        try:
            like = parse_like(message.value()) | {"partition": partition, "offset": offset}
        except ValueError as reason:
            self.skipped += 1
            log.warning("Skipped: partition=%d offset=%d reason=%s", partition, offset, reason)
        else:
            log.info(LIKE_LOGGED, like)
            self.consumed[partition] += 1
            self.messages.append(like)

    def note_problem(self, topic: Topic) -> None:
        """Log once what keeps it from reading, and once that this is over."""
        if not self.error and not self.problem:
            return
        error, self.error = self.error, None
        problem = topic.problem(error)
        if problem != self.problem:
            self.problem = problem
            log.warning(f"{problem} Waiting for it ..." if problem else "Kafka answers again.")


def create_app(member: Member, topic: Topic) -> Flask:
    """The HTTP API. It asks `topic`, not the consumer: a call on the consumer would wait for the end of its poll."""
    app = web.create_app(CONSUMER_PORT, usage="GET /health, /messages?limit=50 or /status")

    @app.get("/health")
    def health():
        silent_for = time.monotonic() - member.polled_at
        if silent_for > 10 * POLL_SECONDS:
            raise Unavailable(f"The poll loop has been silent for {silent_for:.0f} s.")
        if problem := topic.problem() or member.problem:
            raise Unavailable(problem)
        return {"status": "ok", "broker": BOOTSTRAP_SERVERS, "topic": TOPIC, "group": GROUP}

    @app.get("/messages")
    def messages():
        limit = request.args.get("limit", "50")
        if not re.fullmatch("[0-9]{1,4}", limit) or not 1 <= int(limit) <= MESSAGES_KEPT:
            raise BadRequest(f"limit must be a whole number from 1 to {MESSAGES_KEPT}")
        return jsonify(list(member.messages)[-int(limit) :])

    @app.get("/status")
    def status():
        position = dict(sorted(member.position.items()))
        return {
            "group": GROUP,
            "client_id": CONFIG["client.id"],
            "session_timeout_ms": CONFIG["session.timeout.ms"],
            "assignment": list(position),
            "consumed": member.consumed.total(),
            "consumed_by_partition": dict(sorted(member.consumed.items())),
            "skipped": member.skipped,
            "position": position,
            "lag": topic.lag(position),
            "problem": member.problem,
            "rebalances": list(member.rebalances),
        }

    return app


def main() -> None:
    process.log_to_stdout()
    listener = web.listen(CONSUMER_PORT, "CONSUMER_PORT")
    member, topic = Member(), Topic(TOPIC, CONFIG)
    with process.StopSignal() as stop:
        consumer = member.join_group(topic)
        web.serve_in_background(create_app(member, topic), listener)
        log.info("Consumer on http://localhost:%d, group %s, broker %s", CONSUMER_PORT, GROUP, BOOTSTRAP_SERVERS)
        while True:
            message = stop.interruptible(consumer.poll, POLL_SECONDS)
            member.polled_at = time.monotonic()
            if stop.requested:
                break
            if not member.problem and topic.was_recreated():
                # librdkafka goes by the offsets and leader epochs of the old topic; a new member does not.
                log.warning("The topic %s was deleted and recreated. Rejoining the group ...", TOPIC)
                consumer.close()
                consumer = member.join_group(topic)
            elif member.is_stranded(topic):
                # After an outage, librdkafka may ask in vain for ever, or not at all; a new client does not.
                log.warning("Not in the group %s. Joining it as a new member ...", GROUP)
                lasting.abandon(consumer)
                consumer = member.join_group(topic)
            elif message is None or (message.error() and not at_end(message)):
                if message is not None:
                    member.note_error(message.error())
                member.note_problem(topic)
            else:
                if not message.error():
                    member.process(message)
                # At least once: only now, with its line written, is the event done. After a crash between the two it
                # is read again; in the opposite order it would be lost.
                place = topic.offset_after(message)
                consumer.store_offsets(offsets=[place])
                member.position[place.partition] = place.offset
        consumer.close()  # commits, and tells the group, which then need not wait for the session timeout
        log.info("Consumer on port %d left the group", CONSUMER_PORT)


if __name__ == "__main__":
    main()
