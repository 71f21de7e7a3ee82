"""New clients in place of those that do not find the broker again."""

import threading
import time

from plumbing.kafka import InvalidSettings, client, client_config

CALL_SECONDS = 10.0  # after this time, no thread still waits for a client that gets no answer


def renewed(old, own: dict):
    """A client with its `own` settings in place of one that gets no answer; the old one if its settings have become
    invalid. Other threads may still be calling the old one.

    A broker that is starting may answer that its cluster has no brokers yet. librdkafka 2.10 to 2.16 then forgets those
    that it knew and, in about one case of seven, asks nobody ever again:
    https://github.com/confluentinc/librdkafka/issues/5301
    """
    try:
        new = client(type(old), client_config(own.get("bootstrap.servers", "")) | own)
    except InvalidSettings:
        return old
    let_go(old)
    return new


def let_go(old) -> None:
    """Call this before dropping the last reference to a client: it then ends in a thread, as that may take forever."""
    threading.Thread(target=lambda _old: time.sleep(CALL_SECONDS), args=[old], daemon=True).start()


def abandon(consumer) -> None:
    """Close a consumer that does not come back after an outage, in a thread, as that may take forever."""
    threading.Thread(target=consumer.close, daemon=True).start()
