"""Why a consumer is not in its group, as far as the group can tell."""

from confluent_kafka import ConsumerGroupState, KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConsumerGroupDescription

from plumbing.kafka import BROKER_SECONDS, NOT_AUTHORIZED, Unavailable
from plumbing.plain import plain
from plumbing.version import broker_settings

MEMBERS_NAMED = 3


class Membership:
    """What keeps a client with these `own` settings out of its group.

    Kafka's client reports a refusal and tries again a second later, but may not report the next one: so a refusal
    counts until the group lists this client.
    """

    def __init__(self, own: dict):
        self._client_id, self._group = own["client.id"], own.get("group.id", own["client.id"])
        self._assignors = own.get("partition.assignment.strategy", "range,roundrobin")
        self.session_timeout = own.get("session.timeout.ms", 45_000)  # ms; the default is librdkafka's
        self.problem: Unavailable | None = None

    def note(self, error: KafkaError, admin: AdminClient) -> None:
        """The client has reported this error."""
        forbidden = error.code() in NOT_AUTHORIZED
        hint = "let this user's access rules (ACLs) allow it" if forbidden else "if it goes on, read the broker's log"
        problem = Unavailable(f"Kafka says: {error.str().rstrip('.')}", hint)
        if error.code() == KafkaError.INCONSISTENT_GROUP_PROTOCOL:
            group = self._describe(admin)
            if group and group.members:
                problem = self._clash(group)
            elif group and group.state == ConsumerGroupState.DEAD:  # no consumer group has this name
                problem = self._other_kind()
            else:  # its members have left meanwhile
                problem = self.problem or problem
        elif error.code() == KafkaError.INVALID_SESSION_TIMEOUT:
            problem = self._session(broker_settings(admin))
        elif error.code() == KafkaError.GROUP_MAX_SIZE_REACHED:
            problem = self._full(broker_settings(admin))
        self.problem = problem

    def fatal(self, error: KafkaError) -> Unavailable:
        """An error that never ends by itself: only a new client can join."""
        if "group.instance.id" in error.str():  # Kafka's code for it is not passed on
            what = f"another consumer has joined the group {self._group} with the same group.instance.id"
            return Unavailable(what, "give each consumer its own, in CONFIG of consumer.py, then start this one again")
        return Unavailable(f"Kafka has given up this consumer: {error.str()}", "start it again")

    def ask(self, admin: AdminClient) -> None:
        """Forget the problem if the group now lists the client."""
        if self.problem and (group := self._describe(admin)) and self._is_in(group):
            self.problem = None

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

    def _other_kind(self) -> Unavailable:
        what = f"the name {self._group} belongs to a share group, which a consumer cannot join, even when it is empty"
        delete = f"python run.py kafka-share-groups --delete --group {self._group}"
        return Unavailable(what, f"end its consumers and remove it: {delete}   (or set CONSUMER_GROUP to another name)")

    def _session(self, broker: dict[str, str]) -> Unavailable:
        least, most = (broker.get(f"group.{which}.session.timeout.ms", "?") for which in ("min", "max"))
        what = (
            f"this consumer asks for session.timeout.ms={self.session_timeout}, the broker accepts {least} to {most} "
            f"(group.min.session.timeout.ms, group.max.session.timeout.ms)"
        )
        return Unavailable(what, "change CONFIG in consumer.py, or those settings of the broker, then restart it")

    def _full(self, broker: dict[str, str]) -> Unavailable:
        most = broker.get("group.max.size", "?")
        what = f"the group {self._group} is full: the broker accepts {most} members (group.max.size)"
        return Unavailable(what, "stop another consumer of the group, or let the broker accept more")
