"""The broker's log cleaner, without which labs 12 and 19 cannot be done. On native Windows it is switched off."""

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from labs.topics import BROKER_SECONDS
from plumbing import Problem
from plumbing.kafka import client_config

SETTING = "log.cleaner.enable"
OFF = "the log cleaner of this broker is switched off, as on native Windows it cannot run"
INSTEAD = "skip this lab, or use Docker: end the broker (quit), then: python run.py --broker docker"


def runs() -> bool:
    """True if it runs, or the broker does not say. Raises KafkaException if no broker answers."""
    admin = AdminClient(client_config())
    broker = next(iter(admin.list_topics(timeout=BROKER_SECONDS).brokers))
    [described] = admin.describe_configs([ConfigResource(ResourceType.BROKER, str(broker))]).values()
    try:
        settings = described.result(BROKER_SECONDS)
    except KafkaException:  # an access rule
        return True
    return SETTING not in settings or settings[SETTING].value != "false"


def need() -> None:
    """Raises `Problem` where it does not run."""
    if not runs():
        raise Problem(OFF, INSTEAD)
