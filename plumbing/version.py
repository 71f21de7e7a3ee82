"""What the brokers say about themselves: their settings, and by these which Kafka they are."""

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from plumbing.kafka import admin_client
from plumbing.topic import insist

SECONDS = 2.0


def broker_settings(admin: AdminClient) -> dict[str, str]:
    """The settings of one of the brokers; empty if none answers or this client may not ask."""
    try:
        brokers = insist(lambda: admin.list_topics(timeout=SECONDS)).brokers
        if not brokers:  # it is starting
            return {}
        asked = ConfigResource(ResourceType.BROKER, str(min(brokers)))
        answer = insist(lambda: admin.describe_configs([asked], request_timeout=SECONDS)[asked].result())
    except KafkaException:
        return {}
    return {name: entry.value for name, entry in answer.items()}


def is_kafka_4(servers: str = "") -> bool | None:
    """True for Kafka 4.0 or newer, None if no broker answers or this client may not ask."""
    settings = broker_settings(admin_client(servers))
    if not settings:
        return None
    # Kafka 4.0 has removed this setting: https://kafka.apache.org/40/documentation.html#upgrade_servers
    return "inter.broker.protocol.version" not in settings
