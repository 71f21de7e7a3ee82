"""The topic `likes`, as the lessons need it."""

from confluent_kafka import Consumer, KafkaException

from plumbing import Problem, topic
from plumbing.kafka import Misdirected, admin_client, broker_problem, check_advertised, client, client_config
from plumbing.offsets import missing_events
from settings import CREATE_TOPIC, DIAGNOSE, GROUP, TOPIC

PARTITIONS, OFFSETS = 3, "__consumer_offsets"


def create_likes(servers: str) -> str:
    """Create the topic unless it exists; returns a line about it. Raises `Problem`."""
    admin = admin_client(servers)
    try:
        cluster = topic.insist(lambda: admin.list_topics(timeout=10))
        check_advertised(servers, cluster)
        found = cluster.topics.get(TOPIC)
        if found is None:
            topic.create(admin, TOPIC, PARTITIONS)
            return f"{TOPIC}, created with {PARTITIONS} partitions"
    except KafkaException as error:
        if isinstance(problem := broker_problem(servers), Misdirected):
            raise problem from None
        raise Problem(
            f"the topic {TOPIC} cannot be created on {servers}: {error.args[0].str()}",
            f"check that a broker runs there ({DIAGNOSE}), then {CREATE_TOPIC}",
        ) from error
    count = len(found.partitions)
    if count != PARTITIONS:
        return f"{TOPIC}, {count} partitions: not the {PARTITIONS} of the lessons (python run.py doctor)"
    return f"{TOPIC}, {count} partitions"


def warn_of_missing_events(servers: str) -> Problem | None:
    """What to report if the topic ends before the offsets that the consumers have committed, as after a power cut."""
    admin = admin_client(servers)
    group = client(Consumer, client_config(servers) | {"group.id": GROUP})
    try:
        if OFFSETS not in admin.list_topics(timeout=10).topics:  # asking for offsets would create it, which takes time
            return None
        missing = missing_events(admin, group, TOPIC)
    except KafkaException:
        return None
    finally:
        group.close()
    if not missing:
        return None
    partitions = ", ".join(map(str, sorted(missing)))
    return Problem(
        f"{sum(missing.values()):,} events fewer than the consumers have read (partition {partitions}): Kafka has cut "
        "off what a power cut or a similar crash had left half written",
        "the consumers read again what is left there; three brokers would have had copies: python run.py --brokers 3",
    )
