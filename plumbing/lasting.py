"""New clients in place of those that do not find the broker again."""

import threading
import time

from confluent_kafka import Producer
from confluent_kafka.admin import ClusterMetadata

from plumbing.kafka import InvalidSettings, client, client_config, connect

CALL_SECONDS = 10.0  # after which no thread waits any longer for a client that gets no answer


def renewed(old, own: dict):
    """A client with its `own` settings in place of one that gets no answer; the old one if its settings have become
    invalid. Other threads may still be calling the old one.

    A broker that is starting may answer that its cluster has no brokers yet. librdkafka 2.10 to 2.16 then forgets those
    that it knew and, in about one case of seven, asks nobody ever again:
    https://github.com/confluentinc/librdkafka/issues/5301
    """
    try:
        new = client(type(old), client_config() | own)
    except InvalidSettings:
        return old
    let_go(old)
    return new


def let_go(old) -> None:
    """To be called before its last reference is dropped: it then ends in a thread where that may take for ever."""
    threading.Thread(target=lambda _old: time.sleep(CALL_SECONDS), args=[old], daemon=True).start()


class LastingProducer:
    """A confluent_kafka.Producer that can be renewed."""

    def __init__(self, own: dict):
        self._own = own
        self._use(connect(Producer, own))

    def _use(self, producer: Producer) -> None:
        self._producer, self._is_answered = producer, True
        self.produce, self.produce_batch = producer.produce, producer.produce_batch
        self.poll, self.flush = producer.poll, producer.flush

    def __len__(self) -> int:
        return len(self._producer)

    def list_topics(self, timeout: float) -> ClusterMetadata:
        self._is_answered = False
        answer = self._producer.list_topics(timeout=timeout)
        self._is_answered = bool(answer.brokers)
        return answer

    def renew(self) -> None:
        """Replace the client if list_topics() got no answer, and if it has no events: each gets its delivery report
        first. Only for the thread that calls produce()."""
        if not self._is_answered and not len(self):
            self._use(renewed(self._producer, self._own))


def abandon(consumer) -> None:
    """Close what has a client that does not come back after an outage: that may take for ever, too."""
    threading.Thread(target=consumer.close, daemon=True).start()
