"""Producer: a small HTTP API that publishes each like as an event to the Kafka topic `likes`.

    python producer.py                                start it; Ctrl+C stops it
    curl -X POST http://localhost:5001/like           one like: its partition and offset come back
    curl http://localhost:5001/health                 is the broker there, does the topic exist?

A body is optional: {"key": "ann"} for /like, {"count": 1000} for /likes, a burst.
A like counts only when the broker has confirmed it: 201 means that the event is in the topic's log.
"""

import contextlib
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
from functools import lru_cache, partial
from pathlib import Path
from typing import ClassVar

import gevent
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from flask import Flask, jsonify, request
from gevent.event import AsyncResult
from gevent.lock import RLock
from gevent.pool import Pool
from gevent.pywsgi import WSGIHandler, WSGIServer
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, ServiceUnavailable, UnsupportedMediaType

TOPIC = "likes"
BOOTSTRAP_SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092").strip()
CLIENT_CONFIG = os.environ.get("KAFKA_CLIENT_CONFIG", "").strip()  # a client.properties: SASL, TLS, ...
PORT = os.environ.get("PRODUCER_PORT", "5001").strip()

LARGEST_BURST = 100_000  # likes in one request
LARGEST_BATCH = 1000  # likes that are handed to the Kafka producer before others have their turn
PARTITION_UA = -1  # "unassigned", in librdkafka's words: the key decides
LARGEST_BODY = 16 * 1024  # bytes
LONGEST_KEY = 1000  # bytes
METADATA_SECONDS = 3  # how long to wait for a broker's answer, and how long to believe it
ORDERS_LOOKED_AT = 100  # records at the end of each partition, see last_order()
IDLE_SECONDS = 15  # until a connection without a request is closed

# Who may call, by the headers Host and Origin: programs and pages of this computer. A web site that is open in
# its browser has names of its own there, also when it lets them lead to 127.0.0.1 (DNS rebinding).
HERE = re.compile(r"(https?://)?(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", re.IGNORECASE)

log = logging.getLogger("producer")
stopping = threading.Event()
refusal = deque(maxlen=1)  # what the broker said to our password, or we to its certificate


def note_refusal(error: KafkaError) -> None:
    if error.code() in (KafkaError._AUTHENTICATION, KafkaError._SSL):
        refusal.append(error.str())


def client_config() -> dict:
    """Settings that a producer and a consumer share, in librdkafka's names."""
    config = {
        "bootstrap.servers": BOOTSTRAP_SERVERS,
        "client.id": "producer",
        # On Windows `localhost` is ::1 first, where no broker listens, and to be refused there takes 2 s.
        "broker.address.family": "v4" if os.name == "nt" else "any",
        "reconnect.backoff.max.ms": 1000,  # how soon a broker that is back is found; the default is 10 s
        "log_level": 2,  # librdkafka's own words on a lost connection; ours are in the answers
        "error_cb": note_refusal,
    }
    if CLIENT_CONFIG:
        lines = Path(CLIENT_CONFIG).read_text(encoding="utf-8").splitlines()
        settings = [line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#")]
        config |= {name.strip(): value.strip() for name, value in settings}
    return config


def producer_config() -> dict:
    return client_config() | {
        "acks": "all",
        "enable.idempotence": True,  # a retry never writes an event twice
        "partitioner": "murmur2_random",  # a key goes where Kafka's Java clients would send it
        # One request at a time: what is clicked while it is out goes with the next. That batches by
        # itself under load and costs a single click no waiting.
        "linger.ms": 0,
        "max.in.flight": 1,
        # A like that is not confirmed by then is given up, and the click is answered 503.
        "message.timeout.ms": 5000,
        "queue.buffering.max.messages": LARGEST_BURST + LARGEST_BATCH,
    }


class Unconfirmed(ServiceUnavailable):
    """503: the broker did not confirm. `hint` says what to do."""

    def __init__(self, what: str, hint: str = "see what is wrong (python run.py doctor), then click again"):
        super().__init__(what)
        self.hint = hint


def reason(error: KafkaError) -> str:
    timed_out = error.code() in (KafkaError._MSG_TIMED_OUT, KafkaError._TIMED_OUT)
    return "no answer from it in time" if timed_out else error.str()


class Mailbox:
    """Brings what another thread has to the clicks that wait for it. All clicks are answered in one thread, where
    gevent goes on with another one while one waits."""

    def __init__(self):
        self.arrived = deque()
        self.bell = gevent.get_hub().loop.async_()  # the one thing of gevent's that another thread may use
        self.bell.start(self._hand_out)

    def put(self, waiting: AsyncResult, *value) -> None:
        """In any thread: end the wait for `value`."""
        self.arrived.append((waiting, value))
        self.bell.send()

    def _hand_out(self) -> None:
        while self.arrived:
            waiting, value = self.arrived.popleft()
            waiting.set(value)

    def ask(self, function, *arguments, **named):
        """What `function` gives or raises; it is called in a thread of its own, because it waits for the broker."""
        waiting = AsyncResult()

        def call() -> None:
            try:
                self.put(waiting, function(*arguments, **named), None)
            except Exception as error:
                self.put(waiting, None, error)

        threading.Thread(target=call, daemon=True).start()
        value, error = waiting.get()
        if error:
            raise error
        return value


class Likes:
    """Numbers the likes and hands them to the Kafka producer in that order."""

    def __init__(self, producer: Producer, last_order, mailbox: Mailbox):
        self.producer = producer
        self.mailbox = mailbox
        self.last_order = last_order  # called once, when the broker is there: the order to go on from
        self.order = None  # of the newest like
        self.publishing, self.looking = RLock(), RLock()
        self.partitions, self.problem, self.looked_at = 0, None, 0.0

    def partition_count(self) -> int:
        """Number of partitions of the topic. Raises `Unconfirmed` without broker or topic."""
        came_at = time.monotonic()
        if self.problem or came_at - self.looked_at > METADATA_SECONDS:
            with self.looking:  # one click asks the broker, and those that came meanwhile hear the same answer
                if self.looked_at < came_at:
                    self.partitions, self.problem = self._look()
                    self.looked_at = time.monotonic()
        if self.problem:
            raise Unconfirmed(*self.problem)
        return self.partitions

    def _look(self) -> tuple[int, tuple[str, str] | None]:
        """The number of partitions, and what is wrong: what `Unconfirmed` takes."""
        try:
            # All topics: asking for one by name may create it, with a single partition.
            topics = self.mailbox.ask(self.producer.list_topics, timeout=METADATA_SECONDS).topics
        except KafkaException:
            if refusal:
                hint = "look into KAFKA_CLIENT_CONFIG: password, certificate"
                return 0, (f"no understanding with the broker: {refusal[0]}", hint)
            hint = "start it (python run.py, or start_kafka.bat) and click again"
            return 0, (f"no broker answers on {BOOTSTRAP_SERVERS}", hint)
        refusal.clear()
        if TOPIC not in topics:  # a broker with access rules hides what we may not see
            problem = f"the topic {TOPIC} is missing" + (", or no access rule lets us see it" if CLIENT_CONFIG else "")
            return 0, (problem, "create it (python run.py topic, or create_likes_topic.bat) and click again")
        return len(topics[TOPIC].partitions), None

    def publish(self, count: int, key: str | None, on_delivery) -> tuple[dict | None, dict | None]:
        """Give `count` events to the producer and return the first and the last of them;
        `on_delivery(error, message)` is called for each later, in another thread. With fewer events
        than asked for, or none, the producer's queue stayed full."""
        if stopping.is_set():
            raise Unconfirmed("the producer was stopped", "start it again (python producer.py), then click again")
        partitions = self.partition_count()
        first = last = None
        with self.publishing:
            if self.order is None:
                self.order = self.mailbox.ask(self.last_order, partitions)
            while count and within(METADATA_SECONDS, lambda: len(self.producer) <= LARGEST_BURST):  # room for a batch
                events = [new_event(self.order + n) for n in range(1, min(count, LARGEST_BATCH) + 1)]
                if key:
                    shares = {PARTITION_UA: events}
                else:
                    # Round robin is chosen here, not given: without a partition, librdkafka sends many
                    # events in a row to the same one.
                    turns = range(min(partitions, len(events)))
                    shares = {(self.order + n) % partitions: events[n::partitions] for n in turns}
                self.order += len(events)
                for partition, share in shares.items():
                    self._produce(share, key, partition, on_delivery)
                first, last = first or events[0], events[-1]
                count -= len(events)
                if count:
                    gevent.sleep(0)  # others have their turn
        return first, last

    def _produce(self, events: list[dict], key: str | None, partition: int, on_delivery) -> None:
        # Together, not with produce() one by one: a burst goes to Kafka in a few large requests. For one partition,
        # because confluent-kafka 2.16 does not heed the partition of a single message.
        batch = [{"key": key, "value": json.dumps(event).encode()} for event in events]
        try:
            self.producer.produce_batch(TOPIC, batch, partition=partition, on_delivery=on_delivery)
            errors = [message["_error"] for message in batch if "_error" in message]
        except KafkaException as error:
            errors = [error.args[0]]
        if errors:
            hint = "see what is wrong (python run.py doctor), then start the producer again"
            raise Unconfirmed(f"the like cannot be sent: {errors[0].str()}", hint)


def within(seconds: float, condition) -> bool:
    """Whether `condition` comes true in that time; clicks are answered meanwhile."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up_at:
            return False
        gevent.sleep(0.01)
    return True


def new_event(order: int) -> dict:
    now = time.time()
    return {"order": order, "clicked_at": local_time(int(now)), "ts_ms": int(now * 1000)}


@lru_cache(maxsize=1)  # of a burst, many thousands are in the same second
def local_time(seconds: int) -> str:
    """The local time, `YYYY-MM-DD HH:MM:SS`, of a Unix time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def last_order(partitions: int) -> int:
    """The largest `order` at the end of the topic's partitions, 0 in an empty topic: the numbers go
    on where they were after a restart."""
    reading = {"group.id": "producer", "enable.auto.commit": False, "enable.partition.eof": True}
    consumer = Consumer(client_config() | reading | {"fetch.wait.max.ms": 10})
    largest = 0
    try:
        tails = []
        for partition in range(partitions):
            low, high = consumer.get_watermark_offsets(TopicPartition(TOPIC, partition), METADATA_SECONDS)
            tails.append(TopicPartition(TOPIC, partition, max(low, high - ORDERS_LOOKED_AT)))
        consumer.assign(tails)  # by hand: no group, no rebalance
        while partitions:
            message = consumer.poll(METADATA_SECONDS)
            if message is None:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            if message.error():
                if message.error().code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(message.error())
                partitions -= 1
                continue
            with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):  # not a like
                order = json.loads(message.value())["order"]
                largest = max(largest, order if type(order) is int and order < 2**62 else 0)
    except KafkaException as error:
        raise Unconfirmed(f"the last order cannot be read: {reason(error.args[0])}") from error
    finally:
        consumer.close()
    return largest


def create_app(producer: Producer, last_order=last_order) -> Flask:
    """The HTTP API on `producer`, whose delivery reports somebody must poll for: see main()."""
    app = Flask(__name__)
    app.json.sort_keys = False
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    mailbox = Mailbox()
    likes = Likes(producer, last_order, mailbox)

    @app.post("/like")
    def like():
        key = json_body("key").get("key")
        if key is not None and not valid_key(key):
            raise BadRequest(f'"key" must be a text of 1 to {LONGEST_KEY} bytes in UTF-8')
        report = AsyncResult()
        event, _ = likes.publish(1, key, partial(mailbox.put, report))
        if not event:
            raise Unconfirmed("too many likes wait for the broker", "wait a moment and click again")
        error, message = report.get()  # librdkafka reports each event within message.timeout.ms
        if error:
            log.warning("Not delivered: order=%d %s", event["order"], error.str())
            raise Unconfirmed(f"the broker did not confirm the like: {reason(error)}")
        partition, offset = message.partition(), message.offset()
        log.info("Delivered: order=%d partition=%d offset=%d", event["order"], partition, offset)
        return {**event, "partition": partition, "offset": offset}, 201

    @app.post("/likes")
    def burst():
        count = json_body("count").get("count")
        if type(count) is not int or not 1 <= count <= LARGEST_BURST:
            raise BadRequest(f'"count" must be a whole number from 1 to {LARGEST_BURST}')
        reports = []  # of each event: its partition, or what went wrong

        def on_delivery(error, message):
            reports.append(reason(error) if error else message.partition())

        first, last = likes.publish(count, None, on_delivery)
        sent = last["order"] - first["order"] + 1 if first else 0
        while len(reports) < sent:  # to be woken up for each report would take longer than the report
            gevent.sleep(0.005)
        partitions = {str(p): n for p, n in sorted(Counter(reports).items(), key=str) if isinstance(p, int)}
        confirmed = sum(partitions.values())
        log.info("Delivered: %d of %d likes, partitions=%s", confirmed, count, json.dumps(partitions))
        if confirmed < count:
            reasons = sorted({report for report in reports if isinstance(report, str)}) or ["the queue stayed full"]
            raise Unconfirmed(f"the broker confirmed {confirmed} of {count} likes: {', '.join(reasons)}")
        orders = {"first_order": first["order"], "last_order": last["order"]}
        return {"count": count, **orders, "partitions": partitions}, 201

    @app.get("/health")
    def health():
        likes.looked_at = 0.0  # ask the broker, do not believe what it said before
        partitions = likes.partition_count()
        return {"status": "ok", "broker": BOOTSTRAP_SERVERS, "topic": TOPIC, "partitions": partitions}

    @app.before_request
    def refuse_other_sites():
        callers = (request.headers.get("Host", "localhost"), request.headers.get("Origin", "localhost"))
        if not all(map(HERE.fullmatch, callers)):
            raise Forbidden(f"only programs and pages of this computer may call http://localhost:{PORT}")

    @app.errorhandler(HTTPException)
    def in_json(error):
        hint = getattr(error, "hint", 'POST /like {"key": "ann"}, POST /likes {"count": 1000} or GET /health')
        return jsonify(error=error.description, hint=hint), error.code

    return app


def json_body(allowed: str) -> dict:
    """The request's JSON object, empty without a body; its only field may be `allowed`."""
    body = request.get_data()
    if not body:
        return {}
    if not request.is_json:
        raise UnsupportedMediaType("a body must be JSON: add the header Content-Type: application/json")
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    if not isinstance(fields, dict) or fields.keys() - {allowed}:
        raise BadRequest(f'the body must be a JSON object with no other field than "{allowed}"')
    return fields


def valid_key(key) -> bool:
    try:
        return 0 < len(key.encode()) <= LONGEST_KEY
    except (AttributeError, UnicodeEncodeError):  # no text; half a surrogate pair, which JSON can carry
        return False


class Connection(WSGIHandler):
    """A client's connection: one request after the other."""

    answering: ClassVar[set] = set()  # connections whose request has no answer yet

    def handle(self):
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # an answer's head and body are sent apart
        self.socket.settimeout(IDLE_SECONDS)
        super().handle()

    def read_request(self, raw_requestline):
        try:
            return super().read_request(raw_requestline)
        except Exception as error:
            raise ValueError(str(error)) from error  # gevent answers this one 400; others also leave a traceback

    def handle_one_response(self):
        self.answering.add(self)
        try:
            super().handle_one_response()
        finally:
            self.answering.discard(self)


def most_connections() -> int:
    """As many as this process may hold, less what Python and the Kafka client need."""
    if os.name == "nt":
        return 2000
    import resource

    return max(100, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 2100) - 100)


def poll(producer: Producer, ended: threading.Event) -> None:
    """Have on_delivery called for what the broker has confirmed."""
    while not ended.is_set():
        try:
            producer.poll(0.2)
        except KafkaException as error:  # Kafka has given up on us: every click is told so
            log.warning("%s. Mend that and start the producer again.", error.args[0].str())
            ended.wait(1)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    # No line of ours shows its thread, process or place in the code, and to find these out takes time
    # (https://docs.python.org/3/howto/logging.html#optimization).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = logging.logAsyncioTasks = False
    logging._srcfile = None
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # however we are ended, end like Ctrl+C
        if hasattr(signal, name):
            # No exception: in on_delivery it would break the poll, and nobody would wait for the other likes.
            signal.signal(getattr(signal, name), lambda *_: stopping.set())
    try:
        listener = socket.create_server(("127.0.0.1", int(PORT)))
        listener.setblocking(False)
    except (OSError, ValueError, OverflowError) as error:
        sys.exit(f"Port {PORT} cannot be used: {error}. End what runs there, or set PRODUCER_PORT.")
    try:
        producer = Producer(producer_config())
    except (OSError, ValueError) as error:
        sys.exit(f"KAFKA_CLIENT_CONFIG cannot be read: {error}. Name another file, or unset it.")
    except KafkaException as error:
        sys.exit(f"{CLIENT_CONFIG} does not suit librdkafka: {error.args[0].str()}")

    # gevent: one thread answers all clicks, each in a greenlet, which costs next to nothing while it waits for
    # Kafka. Of 16 clicks at a time it confirmed twice as many a second as waitress, whose threads, one for
    # each click, wait for Python's lock in turn. It runs in the main thread: Python can crash when it ends
    # while another thread has greenlets.
    settings = {"log": None, "error_log": None, "handler_class": Connection, "spawn": Pool(most_connections())}
    WSGIServer(listener, create_app(producer), **settings).start()
    ended = threading.Event()
    poller = threading.Thread(target=poll, args=(producer, ended), daemon=True)
    poller.start()
    log.info("Producer on http://localhost:%s, broker %s, topic %s", PORT, BOOTSTRAP_SERVERS, TOPIC)
    while not stopping.is_set():
        gevent.sleep(0.1)  # clicks are answered meanwhile
    within(6, lambda: len(producer) == 0)  # the broker's answers
    within(2, lambda: not Connection.answering)  # and ours
    log.info("Producer stopped, %d likes not delivered", len(producer))
    ended.set()
    poller.join()


if __name__ == "__main__":
    main()
