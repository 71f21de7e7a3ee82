"""Topics: create one, count its partitions, read it to its end."""

import time
from collections.abc import Callable, Iterable, Iterator

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec, TopicMetadata

import settings
from plumbing.kafka import BROKER_SECONDS, Errors, Unavailable, check_advertised, connect
from plumbing.renewal import renewed

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
PARTITION_SECONDS = 0.02  # until a client reads one more partition, on a slow computer
LEADERS_SECONDS = 30.0  # until the partitions of a new topic have leaders
# Settings of a client that reads a topic to its end, without joining a group.
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
    """True if this is not a record, but reports (with `enable.partition.eof`) that the partition is read to this
    offset."""
    return message.error() is not None and message.error().code() == KafkaError._PARTITION_EOF


def read_to_end(consumer: Consumer, starts: Iterable[TopicPartition], seconds: float) -> Iterator[Message]:
    """The records from these offsets to the current end of their partitions. The consumer needs
    the settings READ_TO_END. Raises KafkaException: also if the broker is silent for `seconds`, and longer the more
    partitions there are."""
    starts = list(starts)
    patience = seconds + PARTITION_SECONDS * len(starts)
    unread = {start.partition for start in starts}
    consumer.assign(starts)  # by hand: no group, no rebalance
    try:
        while unread:
            message = consumer.poll(patience)
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


class Admin:
    """An AdminClient that is replaced when it gets no answer, and that can say why it does not."""

    def __init__(self, servers: str = ""):
        self._servers = servers or settings.BOOTSTRAP_SERVERS
        self._errors = Errors()
        self._config = {"bootstrap.servers": self._servers, "error_cb": lambda error: self._errors(error)}
        self.client = connect(AdminClient, self._config)

    def renew(self) -> None:
        self.client = renewed(self.client, self._config)

    def count_partitions(self, topic: str) -> int:
        """As the function. Raises `Unavailable`, which includes that no broker answers."""
        try:
            count = count_partitions(self.client, topic, self._servers)
        except KafkaException:
            self.client.poll(0)  # calls error_cb
            self.renew()
            raise self._errors.diagnosis(self._servers) from None
        self._errors = Errors()
        return count


def count_partitions(client: AdminClient | Producer, topic: str, servers: str) -> int:
    """How many partitions the topic has. Raises `Unavailable` if it is missing or the broker `Misdirected` its clients,
    and KafkaException without an answer."""

    def ask() -> dict[str, TopicMetadata]:
        # All topics: asking for one by name may create it, with a single partition.
        answer = client.list_topics(timeout=BROKER_SECONDS)
        check_advertised(servers, answer)
        # A bootstrap server's answer only says where the broker is.
        if answer.orig_broker_id == BOOTSTRAP or not answer.brokers:
            raise KafkaException(KafkaError(KafkaError._DESTROY_BROKER))  # librdkafka's own word for "ask again"
        return answer.topics

    topics = insist(ask)
    if topic not in topics:
        raise missing(topic)
    return len(topics[topic].partitions)


def missing(topic: str) -> Unavailable:
    """What to report if the broker does not list this topic."""
    hidden = ", or access rules hide it" if settings.CLIENT_CONFIG else ""
    return Unavailable(f"the topic {topic} is missing{hidden}", f"create it: {settings.CREATE_TOPIC}")


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
    admin.list_topics(timeout=BROKER_SECONDS)  # or the client may go by an older list, without the topic, for minutes
    ends = {TopicPartition(name, partition): OffsetSpec.latest() for partition in range(partitions)}
    for end in admin.list_offsets(ends, request_timeout=BROKER_SECONDS).values():
        end.result()
