"""One look at a group and its topic: everything that is asked of the broker."""

import contextlib
import time
from dataclasses import dataclass

from confluent_kafka import ConsumerGroupState, KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from page.group import Event
from page.tail import Tail
from plumbing import Problem
from plumbing.kafka import BROKER_SECONDS, NO_ANSWER, Errors, check_advertised, client
from plumbing.lag import log_ends
from plumbing.offsets import label_of
from plumbing.renewal import abandon, let_go
from plumbing.topic import missing

LANES = 12  # partitions that are shown, and whose records are read; only the offsets of the others are known


@dataclass(frozen=True)
class Look:
    """What the broker answered about the group and the topic at the time `tick` of time.monotonic()."""

    tick: float
    state: ConsumerGroupState
    clients: dict[str, str]  # member id -> client id
    owners: dict[int, str]  # partition -> client id
    starts: dict[int, int]  # partition -> offset of its first remaining event
    ends: dict[int, int]  # partition -> offset of the next event
    committed: dict[int, int | None]


class Cluster:
    """The clients that ask the broker. Raises InvalidSettings."""

    def __init__(self, config: dict, group: str, topic: str):
        self.group = group
        self.topic = topic
        self._config = config
        self._label = ""  # identifies the topic by its id
        self._connect()
        self._tail = Tail(config, group, topic)

    def _connect(self) -> None:
        self._errors = Errors()
        self._admin = client(AdminClient, self._config | {"error_cb": self._errors})

    def reconnect(self) -> None:
        """Replace the clients and what they know: after an outage this may be another cluster, or another topic of the
        same name, where old librdkafka clients would keep timing out."""
        let_go(self._admin)
        self._connect()
        self._replace_tail()

    def _replace_tail(self) -> None:
        old, self._tail = self._tail, Tail(self._config, self.group, self.topic)
        abandon(old)

    def close(self) -> None:
        self._tail.close()

    def groups(self) -> list[str]:
        """Names of all groups; empty if the broker does not answer."""
        with contextlib.suppress(KafkaException):
            listed = self._admin.list_consumer_groups(request_timeout=BROKER_SECONDS).result()
            return sorted(group.group_id for group in listed.valid)
        return []

    def look(self) -> Look:
        """Raises KafkaException, and Problem if the topic is missing."""
        tick = time.monotonic()
        # All topics: asking for one by name may create it, with a single partition.
        cluster = self._admin.list_topics(timeout=BROKER_SECONDS)
        check_advertised(self._config["bootstrap.servers"], cluster)
        topic = cluster.topics.get(self.topic)
        if topic is None:
            raise missing(self.topic)
        numbers = list(topic.partitions)
        # Independent requests are sent together.
        description = self._admin.describe_consumer_groups([self.group], request_timeout=BROKER_SECONDS)
        identity = self._admin.describe_topics(TopicCollection([self.topic]), request_timeout=BROKER_SECONDS)
        self._note_identity(label_of(identity[self.topic].result().topic_id))
        committed = self._tail.committed(numbers, self._label)
        # Asked after `committed`, because an offset beyond the end means something.
        logs = log_ends(self._admin, self.topic, numbers)
        starts, ends = ({number: log[which] for number, log in logs.items()} for which in (0, 1))
        group = description[self.group].result()
        clients = {member.member_id: member.client_id for member in group.members}
        owners = {
            p.partition: member.client_id
            for member in group.members
            for p in member.assignment.topic_partitions
            if p.topic == self.topic
        }
        return Look(tick, group.state, clients, owners, starts, ends, committed)

    def _note_identity(self, label: str) -> None:
        """Forget what is known about a deleted topic of the same name."""
        if self._label and label != self._label:
            self._replace_tail()
        self._label = label

    def events(self, look: Look) -> dict[int, tuple[Event, ...]]:
        """Partition -> its latest events, oldest first."""
        return self._tail.read({n: (look.starts[n], end) for n, end in look.ends.items() if n < LANES})

    def problem(self, error: KafkaError) -> Problem:
        if error.code() in NO_ANSWER:
            self._admin.poll(0)  # calls error_cb
            return self._errors.diagnosis(self._config["bootstrap.servers"])
        return Problem("The broker is not ready yet.", error.str())
