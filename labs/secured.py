"""The secured broker that `python run.py --broker secured` starts, for the programs and the check of lab 10."""

from pathlib import Path

import settings
from brokers import local
from brokers.jars import VERSIONS
from brokers.secured import SecuredBroker


def _running() -> SecuredBroker | None:
    brokers = (SecuredBroker(kafka=kafka) for kafka in VERSIONS)
    return next((broker for broker in brokers if local.running(broker.folder) is not None), None)


def is_running() -> bool:
    return _running() is not None


def act_as(user: str) -> None:
    """If the secured broker runs, make new clients log in as this user, unless KAFKA_CLIENT_CONFIG is set."""
    if is_running() and not settings.CLIENT_CONFIG:
        settings.use_client_config(properties_of(user))


def properties_of(user: str) -> Path:
    """The user's client.properties. Ends the program with one line if no secured broker runs."""
    if not (broker := _running()):
        raise SystemExit("No secured broker is running here. python run.py --broker secured, in another terminal")
    return broker.properties_of(user)
