"""Which Kafka the brokers are, as far as a client can tell."""

from confluent_kafka import KafkaException
from confluent_kafka.admin import ConfigResource, ResourceType

from plumbing.kafka import admin_client
from plumbing.topic import insist

SECONDS = 2.0


def is_kafka_4(servers: str = "", file: str = "") -> bool | None:
    """True for Kafka 4.0 or newer, None if no broker answers or this client may not ask. Arguments as of
    `client_config`."""
    admin = admin_client(servers, file)
    try:
        broker = next(iter(insist(lambda: admin.list_topics(timeout=SECONDS)).brokers), None)
        if broker is None:  # it is starting
            return None
        asked = ConfigResource(ResourceType.BROKER, str(broker))
        settings = insist(lambda: admin.describe_configs([asked], request_timeout=SECONDS)[asked].result())
    except KafkaException:
        return None
    # Kafka 4.0 has removed this setting: https://kafka.apache.org/40/documentation.html#upgrade_servers
    return "inter.broker.protocol.version" not in settings
