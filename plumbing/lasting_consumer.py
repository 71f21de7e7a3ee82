"""A consumer that stays in its group: through outages, and when its topic is deleted and recreated."""

import logging
import sys
import time
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from plumbing.group import Membership
from plumbing.identity import Identity
from plumbing.kafka import CONNECTION_ERRORS, Unavailable, connect
from plumbing.lag import Lag
from plumbing.process import StopSignal
from plumbing.renewal import abandon
from plumbing.topic import Admin, at_end
from settings import DIAGNOSE

STRANDED_SECONDS = 15.0  # without an assignment, how often the group is asked if it knows this member
REBALANCE_SECONDS = 4.0  # what a rebalance may take, besides the session timeout of a member that died
SILENT_SECONDS = 10.0  # without a poll, until the loop counts as stuck

Callback = Callable[[Consumer, list[TopicPartition]], None]

log = logging.getLogger("consumer")


class LastingConsumer:
    """A confluent_kafka.Consumer of one topic, whose `poll` returns an event or nothing.

    All else that Consumer.poll returns is dealt with here: errors, and the ends of partitions. The request to `stop`
    interrupts a poll that waits. The methods of the second half are for the HTTP API, in other threads.
    """

    def __init__(self, config: dict, stop: StopSignal):
        self._config = config | {
            "error_cb": self._note_error,
            # Report the end of a partition: the last offsets may be taken by a transaction's markers, or by records of
            # a transaction that was aborted, and only the end tells that nothing is left to read.
            "enable.partition.eof": True,
        }
        self._stop = stop
        self.position: dict[int, int | None] = {}  # assigned partition -> next offset, None before the first event
        self._problem: Unavailable | None = None  # what keeps it from reading
        self._error: KafkaError | None = None  # the last one that _note_problem() has not dealt with
        self._polled_at = time.monotonic()
        self._waiting_since: float | None = None  # since when it waits for an assignment; None while it has one
        self._ask_group_at = float("inf")  # when to ask the group if it knows this member

    def subscribe(self, topics: list[str], on_assign: Callback, on_revoke: Callback, on_lost: Callback) -> None:
        """Join the group."""
        [self._topic] = topics
        self._identity = Identity(self._topic, Admin(self._config["bootstrap.servers"]))
        self._lag = Lag(self._topic, self._config, self._identity)
        self._membership = Membership(self._config)

        def assigned(consumer: Consumer, partitions: list[TopicPartition]) -> None:
            self._note_assignment(partitions, begins=True)
            on_assign(consumer, partitions)
            self._identity.ignore_stale_offsets(consumer, partitions)

        def ended(callback: Callback) -> Callback:
            def note(consumer: Consumer, partitions: list[TopicPartition]) -> None:
                self._note_assignment(partitions, begins=False)
                callback(consumer, partitions)

            return note

        self._callbacks = {"on_assign": assigned, "on_revoke": ended(on_revoke), "on_lost": ended(on_lost)}
        self._join()

    def _join(self) -> None:
        # A member that closes within a rebalance may be assigned partitions then, and is not told that it loses them.
        self.position = {}
        self._consumer = connect(Consumer, self._config)
        self._consumer.subscribe([self._topic], **self._callbacks)
        self._note_waiting()

    def poll(self, seconds: float) -> Message | None:
        """The next event, None if none comes within `seconds` or before the request to stop."""
        message = self._stop.interruptible(self._consumer.poll, seconds)
        self._polled_at = time.monotonic()
        if self._stop.requested:
            return None  # read again by the partition's next owner
        if not self._problem and self._identity.was_recreated():
            # librdkafka goes by the offsets and leader epochs of the old topic; a new member does not.
            log.warning("The topic %s was deleted and recreated. Rejoining the group ...", self._topic)
            self._consumer.close()
            self._join()
        elif self._is_stranded():
            # After an outage, librdkafka may ask in vain forever, or not at all; a new client does not.
            log.warning("Not in the group %s. Joining it as a new member ...", self._config["group.id"])
            abandon(self._consumer)
            self._join()
        elif message is None:
            self._note_problem()
        elif at_end(message):
            self._store(message.partition(), message.offset())
        elif message.error():
            self._note_error(message.error())
            self._note_problem()
        else:
            return message
        return None

    def store_offsets(self, offsets: list[TopicPartition]) -> None:
        """As Consumer.store_offsets: the client commits them with the next automatic commit."""
        for offset in offsets:
            self._store(offset.partition, offset.offset)

    def _store(self, partition: int, offset: int) -> None:
        self._consumer.store_offsets(offsets=[self._identity.labelled(partition, offset)])
        self.position[partition] = offset

    def close(self) -> None:
        """Commit, and leave the group, which then need not wait for the session timeout."""
        self._consumer.close()

    def _note_error(self, error: KafkaError) -> None:
        self._error = error

    def _note_assignment(self, partitions: list[TopicPartition], begins: bool) -> None:
        changed = sorted(p.partition for p in partitions)
        kept = {p: offset for p, offset in self.position.items() if p not in changed}
        self.position = kept | dict.fromkeys(changed) if begins else kept
        if begins:
            self._waiting_since = None
        else:
            self._note_waiting()

    def _note_waiting(self) -> None:
        self._waiting_since = self._waiting_since or time.monotonic()
        self._ask_group_at = time.monotonic() + STRANDED_SECONDS

    def _is_stranded(self) -> bool:
        """True if it has long been waiting, and the group does not know it although the broker answers."""
        if self._waiting_since is None or time.monotonic() < self._ask_group_at:
            return False
        self._ask_group_at = time.monotonic() + STRANDED_SECONDS
        if self._missing():
            return False
        self._identity.admin.renew()  # a new client asks: the old one may be in the same state as the member
        return self._membership.is_missing(self._identity.admin.client)

    def _note_problem(self) -> None:
        """Log once what keeps it from reading, and once that this is over. A fatal error ends the program."""
        if not self._error and not self._problem and not self._waits_in_vain():
            return
        error, self._error = self._error, None
        if error and error.code() == KafkaError._FATAL:
            abandon(self._consumer)
            sys.exit(self._membership.fatal(error).line())
        missing = self._missing()
        if missing and self._waiting_since is not None:  # not for the group
            self._waiting_since = time.monotonic()
        before, self._problem = self.problem, missing or self._ask(error)
        if self.problem != before:
            log.warning(f"{self.problem}   (waiting for it ...)" if self._problem else "Kafka answers again.")

    def _waits_in_vain(self) -> Unavailable | None:
        """It has had no assignment for longer than a rebalance takes."""
        since = self._waiting_since
        patience = self._membership.session_timeout / 1000 + REBALANCE_SECONDS
        if since is None or time.monotonic() - since < patience:
            return None
        clock = time.strftime("%H:%M:%S", time.localtime(time.time() - time.monotonic() + since))
        what = f"the group {self._config['group.id']} has given this consumer no assignment since {clock}"
        return Unavailable(what, f"see what is wrong: {DIAGNOSE}; then restart this consumer")

    def _missing(self) -> Unavailable | None:
        """The broker or the topic, if one is missing."""
        try:
            self._identity.admin.count_partitions(self._topic)
        except Unavailable as missing:
            return missing
        return None

    def _ask(self, error: KafkaError | None = None) -> Unavailable | None:
        """What keeps it out of the group. `error` is what the client has reported: if it is about more than a
        connection, it counts until the group has the client as a member."""
        if error is None or error.code() in CONNECTION_ERRORS:
            self._membership.ask(self._identity.admin.client)
        else:
            self._membership.note(error, self._identity.admin.client)
        return self._membership.problem or self._waits_in_vain()

    @property
    def problem(self) -> str:
        """What kept it from reading when it last polled and what to do about it, as sentences; "" if nothing did."""
        return self._problem.line() if self._problem else ""

    def find_problem(self) -> Unavailable | None:
        """What keeps it from reading now. Asks the broker."""
        silent_for = time.monotonic() - self._polled_at
        if silent_for > SILENT_SECONDS:
            return Unavailable(f"the poll loop has been silent for {silent_for:.0f} s", "restart this consumer")
        return self._missing() or self._ask() or self._problem

    def lag(self) -> dict[int, int | None]:
        """Assigned partition -> events left to read, None if the broker does not answer."""
        return self._lag.behind(dict(self.position))
