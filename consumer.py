"""Consumer: one member of the consumer group `likes-ui`; it logs each like that it reads.

    python consumer.py                                on port 5002; Ctrl+C leaves the group
    CONSUMER_PORT=5003 python consumer.py             a second member (macOS, Linux)
    set CONSUMER_PORT=5003 && python consumer.py      a second member (Windows)
    curl http://localhost:5002/status                 its partitions, counts, lag and rebalances

Kafka gives each partition to exactly one member of the group. Start or stop a member and watch the
lines `Assigned:` and `Revoked:` of the others: that is a rebalance.
"""

import contextlib
import ctypes
import json
import logging
import os
import re
import signal
import socket
import sys
import threading
import time
from collections import Counter, deque
from pathlib import Path

import waitress
from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, TopicPartition
from flask import Flask, jsonify, request
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, ServiceUnavailable

TOPIC = "likes"
BOOTSTRAP_SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092").strip()
CLIENT_CONFIG = os.environ.get("KAFKA_CLIENT_CONFIG", "").strip()  # a client.properties: SASL, TLS, ...
GROUP = os.environ.get("CONSUMER_GROUP", "likes-ui").strip()
PORT = os.environ.get("CONSUMER_PORT", "5002").strip()  # `set X=1 && ...` leaves a blank on Windows
CLIENT_ID = f"consumer-{PORT}"

POLL_SECONDS = 1.0
SESSION_TIMEOUT_MS = 6000
BROKER_SECONDS = 2.0  # how long to wait for an answer of the broker
MESSAGES_KEPT = 1000  # for /messages
REBALANCES_KEPT = 100  # for /status

CONNECTION = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._AUTHENTICATION, KafkaError._SSL)
LIKE_LOGGED = "Consumed: order=%(order)d partition=%(partition)d clicked_at=%(clicked_at)s ts_ms=%(ts_ms)d"
LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)

# Who may call, by the headers Host and Origin: programs and pages of this computer. A web site that is open in
# its browser has names of its own there, also when it lets them lead to 127.0.0.1 (DNS rebinding).
HERE = re.compile(r"(https?://)?(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", re.IGNORECASE)

log = logging.getLogger("consumer")


def consumer_config() -> dict:
    """The consumer's settings, in librdkafka's names."""
    config = {
        "bootstrap.servers": BOOTSTRAP_SERVERS,
        # On Windows `localhost` is ::1 first, where no broker listens, and to be refused there takes 2 s.
        "broker.address.family": "v4" if os.name == "nt" else "any",
        "group.id": GROUP,
        # The coordinator sorts members by member id, which starts with the client id, and `range` deals
        # the partitions out in that order: 5002 gets 0, 5003 gets 1, 5004 gets 2, after every rebalance.
        "client.id": CLIENT_ID,
        "partition.assignment.strategy": "range",
        "auto.offset.reset": "earliest",  # a new group reads the log from its beginning
        "enable.auto.offset.store": False,  # main() stores an offset when its event is logged,
        "auto.commit.interval.ms": 1000,  # and the client commits what is stored once a second
        # A member that dies without a word is missed after 6 s. The default, 45 s, looks like a hang.
        "session.timeout.ms": SESSION_TIMEOUT_MS,
        "heartbeat.interval.ms": 500,  # its answer tells a member that others came or went
        "topic.metadata.refresh.interval.ms": 2000,  # how soon a new topic or partition is seen
        "reconnect.backoff.max.ms": 1000,  # how soon a broker that is back is found; the default is 10 s
        "log_level": 2,  # librdkafka's own words on a lost connection; Seen.report() has ours
    }
    if CLIENT_CONFIG:
        lines = Path(CLIENT_CONFIG).read_text(encoding="utf-8").splitlines()
        settings = [line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#")]
        config |= {name.strip(): value.strip() for name, value in settings}
    return config


class Seen:
    """What this member has seen: written by the poll loop, read by the HTTP API."""

    def __init__(self):
        self.stopping = False
        self.waiting = False  # in poll
        self.left = threading.Event()  # set when the group was told
        self.polled_at = time.monotonic()
        self.error = None  # the last KafkaError that was not looked into yet
        self.problem = ""  # what keeps us from reading
        self.refusal = ""  # what the broker said to our password, or we to its certificate
        self.consumed = Counter()  # partition -> events
        self.skipped = 0
        self.messages = deque(maxlen=MESSAGES_KEPT)
        self.position = {}  # assigned partition -> offset of the next event, None before the first
        self.rebalances = deque(maxlen=REBALANCES_KEPT)

    def rebalance(self, event: str, partitions: list[TopicPartition]) -> None:
        changed = sorted(p.partition for p in partitions)
        kept = {p: offset for p, offset in self.position.items() if p not in changed}
        self.position = kept | dict.fromkeys(changed) if event == "assigned" else kept
        self.rebalances.append({"at": int(time.time() * 1000), "event": event, "partitions": changed})
        log.info("%s: partitions=%s", event.capitalize(), changed)

    def note(self, error: KafkaError) -> None:
        self.error = error
        if error.code() in (KafkaError._AUTHENTICATION, KafkaError._SSL):
            self.refusal = error.str()

    def look_into(self, error: KafkaError | None, onlooker: Consumer) -> None:
        """Log what keeps us from reading, once, and that it is over."""
        if not error and not self.problem:
            return
        self.error = None
        said = "" if error is None or error.code() in CONNECTION else f"Kafka says: {error.str()}."
        problem = find_problem(onlooker, self.refusal) or said
        if problem != self.problem:
            self.problem = problem
            log.warning(f"{problem} Waiting for it ..." if problem else "Kafka answers again.")


def find_problem(onlooker: Consumer, refusal: str = "") -> str:
    """What is missing and how to get it, empty when the broker answers and the topic exists."""
    try:
        topics = onlooker.list_topics(timeout=BROKER_SECONDS).topics
    except KafkaException:
        if refusal:
            return f"No understanding with the broker: {refusal}. Look into KAFKA_CLIENT_CONFIG."
        return f"No broker answers on {BOOTSTRAP_SERVERS}. Start it: python run.py, or start_kafka.bat."
    if TOPIC not in topics:
        if CLIENT_CONFIG:  # a broker with access rules hides what we may not see
            return f"The topic {TOPIC} is missing, or no access rule lets us see it."
        return f"The topic {TOPIC} is missing. Create it: python run.py topic, or create_likes_topic.bat."
    return ""


def parse_like(value: bytes | None) -> dict:
    """The event's `order`, `clicked_at` and `ts_ms`. Raises ValueError when it is not a like."""
    try:
        event = json.loads((value or b"").decode())
        like = {"order": event["order"], "clicked_at": event["clicked_at"], "ts_ms": event["ts_ms"]}
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    except (TypeError, KeyError):
        raise ValueError("not an object with order, clicked_at and ts_ms") from None
    for name in ("order", "ts_ms"):
        if type(like[name]) is not int or not 0 <= like[name] < 2**63:
            raise ValueError(f"{name} is not a whole number from 0 to 2**63 - 1")
    if type(like["clicked_at"]) is not str or not LOCAL_TIME.fullmatch(like["clicked_at"]):
        raise ValueError("clicked_at is not YYYY-MM-DD HH:MM:SS")
    return like


def create_app(seen: Seen, onlooker: Consumer) -> Flask:
    """The HTTP API on what the poll loop has seen and on what the broker tells `onlooker`, a client
    that joins no group. (A call on the consumer that polls would have to wait for the end of its poll.)"""
    app = Flask(__name__)
    app.json.sort_keys = False

    @app.get("/health")
    def health():
        silent_for = time.monotonic() - seen.polled_at
        if silent_for > 10 * POLL_SECONDS:
            raise ServiceUnavailable(f"The poll loop has been still for {silent_for:.0f} s.")
        if problem := find_problem(onlooker, seen.refusal) or seen.problem:
            raise ServiceUnavailable(problem)
        return {"status": "ok", "broker": BOOTSTRAP_SERVERS, "topic": TOPIC, "group": GROUP}

    @app.get("/messages")
    def messages():
        limit = request.args.get("limit", "50")
        if not re.fullmatch("[0-9]{1,4}", limit) or not 1 <= int(limit) <= MESSAGES_KEPT:
            raise BadRequest(f"limit must be a whole number from 1 to {MESSAGES_KEPT}")
        return jsonify(list(seen.messages)[-int(limit) :])

    @app.get("/status")
    def status():
        position = dict(sorted(seen.position.items()))
        return {
            "group": GROUP,
            "client_id": CLIENT_ID,
            "session_timeout_ms": SESSION_TIMEOUT_MS,
            "assignment": list(position),
            "consumed": seen.consumed.total(),
            "consumed_by_partition": dict(sorted(seen.consumed.items())),
            "skipped": seen.skipped,
            "position": position,
            "lag": lag(onlooker, position),
            "problem": seen.problem,
            "rebalances": list(seen.rebalances),
        }

    @app.before_request
    def refuse_other_sites():
        callers = (request.headers.get("Host", "localhost"), request.headers.get("Origin", "localhost"))
        if not all(map(HERE.fullmatch, callers)):
            raise Forbidden(f"only programs and pages of this computer may call http://localhost:{PORT}")

    @app.errorhandler(HTTPException)
    def in_json(error):
        missing = error.code == ServiceUnavailable.code
        hint = "python run.py doctor" if missing else "GET /health, /messages?limit=50 or /status"
        return jsonify(error=error.description, hint=hint), error.code

    return app


def lag(onlooker: Consumer, position: dict[int, int | None]) -> dict[int, int | None]:
    """Partition -> events that this member has still to read, None when the broker does not say."""
    events = dict.fromkeys(position)
    with contextlib.suppress(KafkaException):
        for partition, offset in position.items():
            here = TopicPartition(TOPIC, partition)
            low, high = onlooker.get_watermark_offsets(here, timeout=BROKER_SECONDS)
            if offset is None:  # nothing read since the assignment: it goes on at the committed offset
                committed = onlooker.committed([here], timeout=BROKER_SECONDS)[0].offset
                offset = low if committed == OFFSET_INVALID else committed
            events[partition] = max(high - offset, 0)
    return events


def past_the_end(onlooker: Consumer, position: dict[int, int | None]) -> bool:
    """True when more was read than there is: the topic was deleted, and another one has its name."""
    with contextlib.suppress(KafkaException):
        for partition, offset in position.items():
            here = TopicPartition(TOPIC, partition)
            if offset and offset > onlooker.get_watermark_offsets(here, timeout=BROKER_SECONDS)[1]:
                return True
    return False


def join_group(seen: Seen) -> Consumer:
    """A new member of the group, which tells `seen` of its rebalances and errors."""
    consumer = Consumer(consumer_config() | {"error_cb": seen.note})
    consumer.subscribe(
        [TOPIC],
        on_assign=lambda _, partitions: seen.rebalance("assigned", partitions),
        on_revoke=lambda _, partitions: seen.rebalance("revoked", partitions),
        on_lost=lambda _, partitions: seen.rebalance("lost", partitions),
    )
    return consumer


def leave_when_the_window_is_closed(seen: Seen):
    """On Windows, closing its window ends a program as soon as this handler returns: it waits until the
    poll loop has left the group. Gives the handler, which must be kept."""

    @ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint)
    def handler(event: int) -> int:
        if event not in (2, 5, 6):  # CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT
            return 0
        seen.stopping = True
        seen.left.wait(4.5)  # Windows waits 5 s
        return 1

    ctypes.windll.kernel32.SetConsoleCtrlHandler(handler, 1)
    return handler


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    # No line of ours shows its thread, process or place in the code: to find these out for each event costs a fifth
    # of the time it takes to read one (https://docs.python.org/3/howto/logging.html#optimization).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = logging.logAsyncioTasks = False
    logging._srcfile = None
    seen = Seen()

    def stop(*_):
        seen.stopping = True
        if seen.waiting:
            raise KeyboardInterrupt  # ends the wait in poll; a like that was logged is first stored

    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # Ctrl+C, and other ways to be asked to end
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)
    on_close = leave_when_the_window_is_closed(seen) if os.name == "nt" else None  # noqa: F841, to be kept
    try:
        listener = socket.create_server(("127.0.0.1", int(PORT)))
    except (OSError, ValueError, OverflowError) as error:
        sys.exit(f"Port {PORT} cannot be used: {error}. End what runs there, or set CONSUMER_PORT.")
    try:
        onlooker = Consumer(consumer_config())
        consumer = join_group(seen)
    except (OSError, ValueError) as error:
        sys.exit(f"KAFKA_CLIENT_CONFIG cannot be read: {error}. Name another file, or unset it.")
    except KafkaException as error:
        sys.exit(f"{CLIENT_CONFIG} does not suit librdkafka: {error.args[0].str()}")
    server = waitress.create_server(create_app(seen, onlooker), sockets=[listener], max_request_body_size=2**20)
    threading.Thread(target=server.run, daemon=True).start()
    log.info("Consumer on http://localhost:%s, group %s, broker %s", PORT, GROUP, BOOTSTRAP_SERVERS)
    try:
        while not seen.stopping:
            seen.waiting = True
            message = consumer.poll(POLL_SECONDS)
            seen.waiting = False
            seen.polled_at = time.monotonic()
            if message is None or message.error():
                is_back = seen.consumed and "is missing" in seen.problem
                seen.look_into(message.error() if message else seen.error, onlooker)
                if not seen.problem and (is_back or past_the_end(onlooker, seen.position)):
                    # librdkafka goes by the old topic's leader epochs and would wait for ever: a new member does not.
                    log.warning("The topic %s was made anew. Joining the group again ...", TOPIC)
                    consumer.close()
                    consumer = join_group(seen)
                continue
            partition, offset = message.partition(), message.offset()
            try:
                like = parse_like(message.value())
                like |= {"partition": partition, "offset": offset}
            except ValueError as reason:
                seen.skipped += 1
                log.warning("Skipped: partition=%d offset=%d reason=%s", partition, offset, reason)
            else:
                log.info(LIKE_LOGGED, like)
                seen.consumed[partition] += 1
                seen.messages.append(like)
            # At least once: only now, with its line written, is the event done. After a crash between the
            # two it is read again; the other way round it would be lost.
            consumer.store_offsets(message)
            seen.position[partition] = offset + 1
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # one Ctrl+C is enough
        consumer.close()  # commits, and tells the group, which need not wait for the session timeout
        seen.left.set()
        log.info("Consumer on port %s left the group", PORT)


if __name__ == "__main__":
    main()
