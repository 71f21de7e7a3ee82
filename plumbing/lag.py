"""How many events a consumer has still to read."""

from collections.abc import Iterator

from confluent_kafka import Consumer, IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from plumbing.identity import Identity
from plumbing.kafka import BROKER_SECONDS, NO_ANSWER, connect
from plumbing.renewal import renewed
from plumbing.topic import insist


class Lag:
    """The lag of a group in a topic. It asks for committed offsets with a client of its own, which joins no group: a
    call on the consumer would wait until its poll returns."""

    def __init__(self, topic: str, config: dict, identity: Identity):
        self._topic, self._identity = topic, identity
        self._config = {name: config[name] for name in ("bootstrap.servers", "client.id", "group.id")}
        self._client = connect(Consumer, self._config)

    def behind(self, position: dict[int, int | None]) -> dict[int, int | None]:
        """Partition -> events from that position to the end, None if the broker does not answer. Position None stands
        for the offset that the group has committed."""
        try:
            return dict(self._ask(position)) if position else {}
        except KafkaException as error:
            if error.args[0].code() in NO_ANSWER:
                self._client = renewed(self._client, self._config)
                self._identity.admin.renew()
            return dict.fromkeys(position)

    def _ask(self, position: dict[int, int | None]) -> Iterator[tuple[int, int]]:
        committed = self._committed([partition for partition, offset in position.items() if offset is None])
        logs = insist(lambda: log_ends(self._identity.admin.client, self._topic, list(position)))
        for partition, (first, end) in logs.items():
            offset = position[partition]
            if offset is None:  # nothing read since the assignment: it continues at the committed offset
                offset = committed.get(partition, first)
                offset = offset if offset <= end else first
            yield partition, max(end - max(offset, first), 0)  # what was deleted can no longer be read

    def _committed(self, partitions: list[int]) -> dict[int, int]:
        if not partitions:
            return {}
        asked = [TopicPartition(self._topic, partition) for partition in partitions]
        answers = insist(lambda: self._client.committed(asked, timeout=BROKER_SECONDS))
        return {c.partition: c.offset for c in answers if c.offset >= 0 and not self._identity.is_stale(c)}


def log_ends(
    admin: AdminClient, topic: str, partitions: list[int], isolation: IsolationLevel = IsolationLevel.READ_COMMITTED
) -> dict[int, tuple[int, int]]:
    """Partition -> the offset of its first record and the one after its last, by default without those of an open
    transaction. One request to each leader for all of its partitions. Raises KafkaException."""
    places = [TopicPartition(topic, partition) for partition in partitions]
    wanted = (dict.fromkeys(places, which) for which in (OffsetSpec.earliest(), OffsetSpec.latest()))
    asked = [admin.list_offsets(one, isolation_level=isolation, request_timeout=BROKER_SECONDS) for one in wanted]
    firsts, ends = ({p.partition: answer.result().offset for p, answer in answers.items()} for answers in asked)
    return {partition: (firsts[partition], ends[partition]) for partition in partitions}
