"""What the broker says about a topic, and its records up to its end."""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec, TopicMetadata

import settings
from plumbing.group import Membership
from plumbing.kafka import (
    BROKER_SECONDS,
    CONNECTION_ERRORS,
    NO_ANSWER,
    Errors,
    Unavailable,
    check_advertised,
    connect,
)
from plumbing.lasting import LastingProducer, renewed
from plumbing.offsets import beyond_end, is_of_another, label_of

# Errors that only mean "ask again": librdkafka has just replaced a broker's bootstrap name by its real address, as it
# often does where `localhost` is both ::1 and 127.0.0.1, or it or the broker does not know yet who leads a partition,
# or since which epoch.
ASK_AGAIN = (
    KafkaError._DESTROY_BROKER,
    KafkaError._TRANSPORT,
    KafkaError._UNKNOWN_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.FENCED_LEADER_EPOCH,
)
BOOTSTRAP = -1  # instead of a broker's id, in an answer that came by way of the bootstrap servers
IDENTIFY_SECONDS = 1.0  # how often a program looks whether the topic is still the same one
LEADERS_SECONDS = 30.0  # until the partitions of a new topic have leaders
SILENT_SECONDS = 10.0  # until it looks again when nobody has answered
# Settings of a client that reads a topic from a place to its end, without joining a group.
READ_TO_END = {"enable.auto.commit": False, "enable.partition.eof": True, "fetch.wait.max.ms": 10}


def insist(ask: Callable, seconds: float = BROKER_SECONDS, whatever: bool = False):
    """What `ask()` returns; for up to `seconds` it is called again while the error is in ASK_AGAIN, or `whatever` the
    error is. Raises KafkaException."""
    give_up_at = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except KafkaException as error:
            if time.monotonic() > give_up_at or not (whatever or error.args[0].code() in ASK_AGAIN):
                raise
            time.sleep(0.05)


def at_end(message: Message) -> bool:
    """Whether it is no record but reports, with `enable.partition.eof`, that its partition is read up to its offset."""
    return message.error() is not None and message.error().code() == KafkaError._PARTITION_EOF


def read_to_end(consumer: Consumer, starts: Iterable[TopicPartition], seconds: float) -> Iterator[Message]:
    """The records from these places to the end of their partitions, as far as they are there now. The consumer needs
    the settings READ_TO_END. Raises KafkaException: also if the broker is silent for `seconds`."""
    starts = list(starts)
    unread = {start.partition for start in starts}
    consumer.assign(starts)  # by hand: no group, no rebalance
    try:
        while unread:
            message = consumer.poll(seconds)
            if message is None:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            if not message.error():
                yield message
            elif at_end(message):
                unread.discard(message.partition())
            else:
                raise KafkaException(message.error())
    finally:
        consumer.unassign()


class Topic:
    """A topic as the broker describes it, asked through a client that joins no group.

    own       settings of the program's own client; `group.id`, if any, is the group whose lag is asked for
    blocking  calls a function that waits for the broker: greenlets.in_thread under greenlets.serve()
    producer  whose connection is to be used for the question whether the broker answers, so that it is there for the
              next event
    """

    def __init__(
        self,
        name: str,
        own: dict,
        blocking: Callable = lambda function, *arguments: function(*arguments),
        producer: LastingProducer | None = None,
    ):
        self.name = name
        self._blocking = blocking
        self._label = ""  # for the metadata of committed offsets, from the topic's id; empty until it is known
        self._identify_at = float("-inf")  # when to look next
        self._recreated = False
        self._places: dict[int, TopicPartition] = {}  # partition -> the offset to store, with that label
        self._errors = Errors()
        self._membership = Membership(own)
        self._count, self._asked_at = 0, float("-inf")
        self._producer = producer
        names = {"client.id": own["client.id"], "group.id": own.get("group.id", own["client.id"])}
        self._config = names | READ_TO_END | {"error_cb": lambda error: self._errors(error)}
        self._client = connect(Consumer, self._config)

    @cached_property
    def _admin(self) -> AdminClient:  # only consumers need it
        return connect(AdminClient, {})

    def _renew(self) -> None:
        """Replace the clients: one of them got no answer."""
        self._client = renewed(self._client, self._config)
        if "_admin" in vars(self):
            self._admin = renewed(self._admin, {})

    def partitions(self, max_age: float = 0.0) -> int:
        """How many partitions it has, by an answer of the broker that is at most `max_age` seconds old.
        Raises `Unavailable` without a broker or a topic."""
        if time.monotonic() - self._asked_at > max_age:
            try:
                self._count, self._asked_at = self._blocking(self._ask), time.monotonic()
            except Unavailable:
                if self._producer is not None:
                    self._producer.renew()
                raise
        return self._count

    def problem(self, error: KafkaError | None = None) -> str:
        """What is missing and what to do about it, as sentences; "" if nothing is. `error` is what the program's own
        client reported: if it is about more than a connection, it counts until the group has the client as a member."""
        try:
            self.partitions()
        except Unavailable as missing:
            return missing.line()
        if error is None or error.code() in CONNECTION_ERRORS:
            self._membership.ask(self._admin)
        else:
            self._membership.note(error, self._admin)
        return self._membership.problem

    def is_missed_by_group(self) -> bool:
        """Whether the broker and the topic are there, and the group, which would let this program's client join, does
        not list it. A new client asks: an older one may be in the same state."""
        try:
            self.partitions()
        except Unavailable:
            return False
        self._admin = renewed(self._admin, {})
        return self._membership.is_missing(self._admin)

    def lag(self, position: dict[int, int | None]) -> dict[int, int | None]:
        """Partition -> events from that position to the end, None if the broker does not answer. Position None stands
        for the offset that the group has committed."""
        try:
            return {partition: self._lag(partition, offset) for partition, offset in position.items()}
        except KafkaException as error:
            if error.args[0].code() in NO_ANSWER:
                self._renew()
            return dict.fromkeys(position)

    def was_recreated(self) -> bool:
        """Whether it was deleted and created again since the last call. Asks the broker at most once a second."""
        if time.monotonic() > self._identify_at:
            self._identify()
        recreated, self._recreated = self._recreated, False
        return recreated

    def offset_after(self, message: Message) -> TopicPartition:
        """The offset to store when this message is done, or this end is reached. Its metadata names the topic by its
        id: when the topic is recreated, a commit for the old one may arrive in the new one, as Kafka knows topics by
        their names there."""
        partition = message.partition()
        place = self._places.get(partition)
        if place is None:
            place = self._places[partition] = TopicPartition(self.name, partition, 0, self._label or self._identify())
        place.offset = message.offset() if message.error() else message.offset() + 1
        return place

    def ignore_offsets_of_its_predecessor(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """In `on_assign`: read a partition from its beginning if the group's committed offset is that of a topic of the
        same name that was deleted, or is beyond the end. (The broker refuses such an offset, so it would be read from
        the beginning anyway; but librdkafka does not commit a smaller offset than the one it found.)"""
        self._identify()
        try:
            committed = insist(lambda: consumer.committed(partitions, timeout=BROKER_SECONDS))
        except KafkaException:
            return  # not known, as before the first commit
        stale = [*beyond_end(self._admin, committed), *filter(self._is_of_predecessor, committed)]
        for place in stale:
            place.offset = OFFSET_BEGINNING
        if stale:
            consumer.assign(committed)

    def _is_of_predecessor(self, committed: TopicPartition) -> bool:
        """Whether this offset was committed for a topic of the same name that was deleted."""
        return bool(self._label) and is_of_another(committed, self._label)

    def _identify(self) -> str:
        """The label with the id that the broker gives it now; the last known one if the broker does not answer."""

        def ask() -> str:
            # librdkafka asks the controller that it heard of last, and waits for a dead one with two busy threads: so
            # it first hears which brokers there are now. They may not know it either: see SILENT_SECONDS.
            self._admin.list_topics(timeout=BROKER_SECONDS)
            asked = self._admin.describe_topics(TopicCollection([self.name]), request_timeout=IDENTIFY_SECONDS)
            return label_of(asked[self.name].result().topic_id)

        pause = IDENTIFY_SECONDS
        try:
            label = insist(ask)
        except KafkaException as error:
            code = error.args[0].code()
            if code in NO_ANSWER:
                self._renew()
            if code == KafkaError._TIMED_OUT:
                pause = SILENT_SECONDS
        else:
            if label != self._label:
                # A rebalance may be the first to see it: was_recreated() must report it all the same.
                self._recreated = self._recreated or self._label != ""
                self._label, self._places = label, {}
        self._identify_at = time.monotonic() + pause
        return self._label

    def tail(self, records: int) -> list[Message]:
        """The last `records` of each partition. Raises `Unavailable`."""
        partitions = self.partitions(max_age=BROKER_SECONDS)
        return self._blocking(self._read_tail, partitions, records)

    def _read_tail(self, partitions: int, records: int) -> list[Message]:
        try:
            insist(lambda: self._client.list_topics(timeout=BROKER_SECONDS))  # so that it knows the leaders of now
            ends = {partition: self._ends(partition) for partition in range(partitions)}
            starts = [TopicPartition(self.name, p, max(low, high - records)) for p, (low, high) in ends.items()]
            return list(read_to_end(self._client, starts, BROKER_SECONDS))
        except KafkaException as error:
            self._renew()
            raise Unavailable(f"the end of the topic {self.name} cannot be read: {error.args[0].str()}") from error

    def _ask(self) -> int:
        try:
            topics = insist(self._list_topics)
        except KafkaException:
            self._client.poll(0)  # calls error_cb
            self._renew()
            raise self._errors.diagnosis(settings.BOOTSTRAP_SERVERS) from None
        self._errors = Errors()
        if self.name not in topics:
            hidden = ", or access rules hide it" if settings.CLIENT_CONFIG else ""
            hint = "create it: python run.py topic, or create_likes_topic.bat"
            raise Unavailable(f"the topic {self.name} is missing{hidden}", hint)
        return len(topics[self.name].partitions)

    def _list_topics(self) -> dict[str, TopicMetadata]:
        """By name, as the broker itself lists them: a bootstrap server's answer only tells where the broker is.
        Raises KafkaException and `Misdirected`."""
        # All topics: asking for one by name may create it, with a single partition.
        # Not `self._producer or ...`: the length of an idle producer is 0, so it counts as false.
        client = self._client if self._producer is None else self._producer
        answer = client.list_topics(timeout=BROKER_SECONDS)
        check_advertised(settings.BOOTSTRAP_SERVERS, answer)
        if answer.orig_broker_id == BOOTSTRAP or not answer.brokers:
            raise KafkaException(KafkaError(KafkaError._DESTROY_BROKER))  # as librdkafka says it: ask again
        return answer.topics

    def _lag(self, partition: int, offset: int | None) -> int:
        if offset is None:  # nothing read since the assignment: it continues from the committed offset
            here = TopicPartition(self.name, partition)
            [committed] = insist(lambda: self._client.committed([here], timeout=BROKER_SECONDS))
            low, high = self._ends(partition)
            usable = low <= committed.offset <= high and not self._is_of_predecessor(committed)
            return high - (committed.offset if usable else low)
        low, high = self._ends(partition)
        return max(high - max(offset, low), 0)  # what was deleted can no longer be read

    def _ends(self, partition: int) -> tuple[int, int]:
        """The first offset, and the one after the last."""
        here = TopicPartition(self.name, partition)
        return insist(lambda: self._client.get_watermark_offsets(here, timeout=BROKER_SECONDS))


def create(admin: AdminClient, name: str, partitions: int, config: dict[str, str] | None = None) -> bool:
    """Create the topic, and return when each partition answers; False if it exists already. Raises KafkaException."""
    # The broker decides how many replicas (default.replication.factor): one if it is alone, three of three.
    new = NewTopic(name, partitions, -1, config=config or {})
    try:
        insist(lambda: admin.create_topics([new])[name].result())
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
        return False
    insist(lambda: _ask_leaders(admin, name, partitions), LEADERS_SECONDS, whatever=True)
    return True


def _ask_leaders(admin: AdminClient, name: str, partitions: int) -> None:
    """Raises KafkaException unless each partition answers. Brokers list a new topic before they are ready to lead it,
    and until then their errors, and those of librdkafka, vary."""
    ends = {TopicPartition(name, partition): OffsetSpec.latest() for partition in range(partitions)}
    for end in admin.list_offsets(ends, request_timeout=BROKER_SECONDS).values():
        end.result()
