"""A producer for greenlets.serve() that outlives outages, and whose errors say what to do."""

import logging
import time

from confluent_kafka import KafkaError, KafkaException, Producer
from gevent.lock import BoundedSemaphore

from plumbing import greenlets
from plumbing.kafka import Errors, Unavailable, connect
from plumbing.renewal import renewed
from plumbing.topic import count_partitions
from settings import DIAGNOSE

POLL_SECONDS = 0.002  # how long poll() blocks: the requests wait meanwhile
RECENT_SECONDS = 3.0  # how old an answer of the broker about the topic may be
ROOM_SECONDS = 3.0  # how long a request waits for room in the queue

log = logging.getLogger("producer")


class LastingProducer:
    """A confluent_kafka.Producer that is replaced when it does not find the broker again."""

    def __init__(self, config: dict):
        self._servers = config["bootstrap.servers"]
        self._capacity = config.get("queue.buffering.max.messages", 100_000)  # the default is librdkafka's
        self._errors = Errors()
        self._config = config | {"error_cb": self._note_error}
        self._fatal = ""  # the error that was logged last
        self._asking = BoundedSemaphore()
        self._answer: int | Unavailable = 0  # how many partitions the topic has, or why that is not known
        self._answered_at = float("-inf")
        self._is_cut_off = False
        self._producer = connect(Producer, self._config)

    def _note_error(self, error: KafkaError) -> None:
        self._errors(error)
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._answered_at = float("-inf")  # the last answer is out of date

    def __len__(self) -> int:
        """The events without a delivery report so far."""
        return len(self._producer)

    def produce(self, *event, **options) -> None:
        """As Producer.produce. Raises `Unavailable` where that raises KafkaException: for a fatal error, such as that
        of a fenced producer."""
        try:
            self._producer.produce(*event, **options)
        except KafkaException as error:
            raise _fatal(error) from error

    def produce_batch(self, topic: str, batch: list[dict], **options) -> None:
        """As Producer.produce_batch, which leaves an error in the messages of the batch. Raises `Unavailable`."""
        self._producer.produce_batch(topic, batch, **options)
        if error := next((message["_error"] for message in batch if "_error" in message), None):
            raise _fatal(KafkaException(error))

    def poll(self, seconds: float) -> None:
        """As Producer.poll, for up to so many seconds; requests are answered before it returns."""
        try:
            self._producer.poll(POLL_SECONDS if len(self._producer) else 0)
        except KafkaException as error:  # a fatal one: every request gets a 503
            if self._fatal != (what := error.args[0].str()):
                self._fatal = what
                log.warning("%s. Fix that, then restart this program.", what)
        if len(self._producer):
            greenlets.give_way()
        else:
            greenlets.rest(seconds)

    def flush(self, seconds: float) -> int:
        """As Producer.flush: how many events are then still without a report."""
        return self._producer.flush(seconds)

    def partitions(self, topic: str, room_for: int = 0) -> int:
        """How many partitions the topic has, as the broker said a moment ago. Raises `Unavailable`: without a broker or
        the topic, or if the queue has no room for so many events, also after a while."""
        called_at = time.monotonic()
        with self._asking:  # one request asks; those that have come meanwhile share the answer
            is_known = isinstance(self._answer, int)
            if self._answered_at < called_at - (RECENT_SECONDS if is_known and room_for else 0):
                try:
                    self._answer = greenlets.in_thread(self._ask, topic)
                except Unavailable as problem:
                    self._answer = problem
                self._answered_at = time.monotonic()
        if isinstance(self._answer, Unavailable):
            self._renew()
            raise self._answer
        self.wait_for_room(room_for)
        return self._answer

    def wait_for_room(self, count: int) -> None:
        """Wait a while until the queue has room for so many events. Raises `Unavailable`."""
        if not greenlets.wait_until(lambda: len(self) + count <= self._capacity, ROOM_SECONDS):
            raise Unavailable("too many likes are waiting for the broker", "wait a moment, then click again")

    def _ask(self, topic: str) -> int:
        self._is_cut_off = False
        try:
            count = count_partitions(self._producer, topic, self._servers)
        except KafkaException:
            self._is_cut_off = True
            raise self._errors.diagnosis(self._servers) from None
        self._errors = Errors()
        return count

    def _renew(self) -> None:
        """Replace a client that got no answer, unless it has events: each gets its delivery report first."""
        if self._is_cut_off and not len(self):
            self._is_cut_off = False
            self._producer = renewed(self._producer, self._config)


def _fatal(error: KafkaException) -> Unavailable:
    hint = f"see what is wrong ({DIAGNOSE}), then restart the producer"
    return Unavailable(f"the like cannot be sent: {error.args[0].str()}", hint)
