"""Topics for the lab programs: create one, read one, name one for this learner."""

import contextlib
from collections.abc import Iterator

from confluent_kafka import Consumer, IsolationLevel, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from plumbing import Problem
from plumbing.kafka import client_config
from plumbing.lag import log_ends
from plumbing.topic import READ_TO_END, create, insist, read_to_end
from settings import LEARNER

BROKER_SECONDS = 15.0
TRIAL = "try-"  # topics and groups with which a judge tries a program: LEARNER-try-TIME-...
OTHER_READER = "end the other program that reads in this group, then type the same command again"
JOIN_SECONDS = 4.0  # until the only member of a group has its partitions
# A killed run did not leave its group: the next one waits for its session timeout, here 6 s, not 45.
SESSION = {"session.timeout.ms": 6000, "heartbeat.interval.ms": 500}


def named(what: str) -> str:
    """The name of a topic or group of this learner: `labs-keys`."""
    return f"{LEARNER}-{what}"


def make_topic(topic: str, partitions: int, config: dict[str, str] | None = None, lab: int = 0) -> None:
    """Create the topic, with this `config`, unless it exists. Raises KafkaException, and `Problem` if it exists with
    other settings, which a reset of the `lab` deletes."""
    admin = AdminClient(client_config())
    if create(admin, topic, partitions, config) or not config:
        return
    described = ConfigResource(ResourceType.TOPIC, topic)
    found = {}
    with contextlib.suppress(KafkaException):  # an access rule
        found = admin.describe_configs([described])[described].result(BROKER_SECONDS)
    for name, value in config.items():
        if name in found and found[name].value != value:
            what = f"the topic {topic} exists with {name}={found[name].value}, and this program needs {value}"
            raise Problem(what, f"python run.py labs reset {lab}   (then type the same command again)")


def partitions_of(topic: str, admin: AdminClient | None = None) -> int:
    """How many partitions the topic has, 0 if it does not exist. Raises KafkaException."""
    # All topics: asking for one by name may create it, with a single partition.
    admin = AdminClient(client_config()) if admin is None else admin  # len() of an idle one is 0, so it is falsy
    known = admin.list_topics(timeout=BROKER_SECONDS).topics
    return len(known[topic].partitions) if topic in known else 0


def read(
    topic: str,
    last: int | None = None,
    isolation: str = "read_uncommitted",
    only: int | None = None,
    since: dict[int, int] | None = None,
) -> Iterator[Message]:
    """The records in the topic: all, or the `last` of each partition, or only those of partition `only`, or those
    from the offset in `since` on. Empty if the topic does not exist. Joins no group. Raises KafkaException."""
    reader = {"group.id": named("onlooker"), "auto.offset.reset": "earliest", "isolation.level": isolation}
    consumer = Consumer(client_config() | READ_TO_END | reader)
    try:
        admin = AdminClient(client_config())
        partitions = list(range(partitions_of(topic, admin))) if only is None else [only]
        starts = []
        for partition, (low, high) in _logs(admin, topic, partitions, isolation).items():
            start = max(low, (since or {}).get(partition, low))
            starts.append(TopicPartition(topic, partition, start if last is None else max(low, high - last)))
        yield from read_to_end(consumer, starts, BROKER_SECONDS)
    finally:
        consumer.close()


def next_message(consumer: Consumer, group: str) -> Message:
    """The next record, error or end of a partition for this member of the group. Says so while another member keeps it
    waiting. Raises `Problem` if nothing comes."""
    message = consumer.poll(JOIN_SECONDS)
    if message is None and not consumer.assignment():
        print(f"No partition of {group} is free: perhaps a run that was killed is still a member. Waiting ...")
    if message is None:
        message = consumer.poll(BROKER_SECONDS)
    if message is None and not consumer.assignment():
        what = f"the group {group} did not assign this program a partition in {BROKER_SECONDS:.0f} s"
        raise Problem(what, OTHER_READER)
    if message is None:
        raise Problem(f"no answer from the broker in {BROKER_SECONDS:.0f} s")
    return message


def _logs(admin: AdminClient, topic: str, partitions: list[int], isolation: str) -> dict[int, tuple[int, int]]:
    """Partition -> its first offset, and the one after its last. Waits while a partition has no leader, as briefly
    after an outage. Raises KafkaException."""
    if not partitions:
        return {}
    level = IsolationLevel.READ_COMMITTED if isolation == "read_committed" else IsolationLevel.READ_UNCOMMITTED
    return insist(lambda: log_ends(admin, topic, partitions, level), BROKER_SECONDS, whatever=True)
