"""Why a consumer is not in its group, as far as the group can tell."""

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConsumerGroupDescription

from plumbing.kafka import BROKER_SECONDS, Unavailable
from plumbing.plain import plain

MEMBERS_NAMED = 3


class Membership:
    """What keeps a client with these `own` settings out of its group.

    Kafka's client reports a refusal and tries again a second later, but may not report the next one: so a refusal
    counts until the group lists this client.
    """

    def __init__(self, own: dict):
        self._client_id, self._group = own["client.id"], own.get("group.id", own["client.id"])
        self._assignors = own.get("partition.assignment.strategy", "range,roundrobin")
        self.problem = ""

    def note(self, error: KafkaError, admin: AdminClient) -> None:
        """The client has reported this error."""
        problem = f"Kafka says: {error.str().rstrip('.')}."
        if error.code() == KafkaError.INCONSISTENT_GROUP_PROTOCOL:
            group = self._describe(admin)
            problem = self._clash(group).line() if group and group.members else self.problem or problem
        self.problem = problem

    def ask(self, admin: AdminClient) -> None:
        """Forget the problem if the group now lists the client."""
        if self.problem and (group := self._describe(admin)) and self._is_in(group):
            self.problem = ""

    def is_missing(self, admin: AdminClient) -> bool:
        """True if the group answers, does not list this client, and would let it join."""
        group = self._describe(admin)
        if group is None or self._is_in(group):
            return False
        return group.partition_assignor in ["", *self._assignors.split(",")]  # empty during a rebalance

    def _is_in(self, group: ConsumerGroupDescription) -> bool:
        return self._client_id in [member.client_id for member in group.members]

    def _describe(self, admin: AdminClient) -> ConsumerGroupDescription | None:
        try:
            return admin.describe_consumer_groups([self._group], request_timeout=BROKER_SECONDS)[self._group].result()
        except KafkaException:
            return None

    def _clash(self, group: ConsumerGroupDescription) -> Unavailable:
        """Kafka accepts a member only if it offers an assignor that all others offer as well."""
        names = sorted({f"{plain(member.client_id)} on {member.host.lstrip('/')}" for member in group.members})
        named = ", ".join(names[:MEMBERS_NAMED]) + (" and others" if names[MEMBERS_NAMED:] else "")
        assignor = plain(group.partition_assignor) or "with another name"  # not told during a rebalance
        what = f"the group {self._group} uses the assignor {assignor} ({named}), this consumer offers {self._assignors}"
        hint = f"end that client, or restart it with partition.assignment.strategy={self._assignors}"
        return Unavailable(what, hint)
