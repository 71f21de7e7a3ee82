"""The topic `likes`, as the lessons need it."""

from confluent_kafka import KafkaException

from plumbing import Problem, topic
from plumbing.kafka import Misdirected, admin_client, broker_problem, check_advertised
from settings import TOPIC

PARTITIONS = 3


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
            "check that a broker runs there (python run.py doctor), then: python run.py topic",
        ) from error
    count = len(found.partitions)
    if count != PARTITIONS:
        return f"{TOPIC}, {count} partitions: not the {PARTITIONS} of the lessons (python run.py doctor)"
    return f"{TOPIC}, {count} partitions"
