"""Lab 10: Security. launcher/check.py logs in as `admin`: not every user may read the ACLs."""

from collections.abc import Iterator

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from labs.checks import Goal, Leaves
from labs.evidence import Evidence, order_of
from labs.lab_08_schemas.add_field import ORDER
from labs.lab_10_security.logins import LEARNER, clients, try_all
from labs.lab_10_security.write_only_user import USER
from labs.secured import is_running
from settings import TOPIC

LIKES = 3
LEAVES = Leaves(user=USER)


def goals(seen: Evidence) -> Iterator[Goal]:
    if not is_running():
        following = "quit, then python run.py --broker secured   (in the first terminal)"
        yield Goal("a broker that authenticates its clients", False, "no secured broker is running here", following)
        return
    accepted = try_all(clients())
    reached = accepted.pop(LEARNER) and not any(accepted.values())
    why = f"learner is accepted, {list(accepted.values()).count(False)} other clients are rejected"
    yield Goal("a broker that authenticates its clients", reached, why, "python run.py labs/lab_10_security/logins.py")

    orders = [order_of(record) for record in seen.records(TOPIC)]
    likes = sum(order is not None and order > ORDER for order in orders)
    following = "like 3   (in the first terminal)"
    yield Goal("likes from the same programs", likes >= LIKES, f"{likes} in the log", following)

    following = "python run.py labs/lab_10_security/write_only_user.py"
    exists = _exists(seen.admin)
    yield Goal(f"the user {USER}", exists, "has a password" if exists else "does not exist", following)
    allowed = _allowed(seen.admin)
    why = f"may {', '.join(allowed) or 'do nothing'}"
    yield Goal(f"what {USER} may do", f"write {TOPIC}" in allowed, why, following)
    yield Goal(f"a like written by {USER}", ORDER in orders, f"{orders.count(ORDER)} in the log", following)


def _exists(admin: AdminClient) -> bool:
    try:
        return bool(admin.describe_user_scram_credentials([USER])[USER].result().scram_credential_infos)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.RESOURCE_NOT_FOUND:
            return False
        raise


def _allowed(admin: AdminClient) -> list[str]:
    """The ACLs for this user and for everybody, such as `write likes`."""
    anything = AclBindingFilter(
        ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ALLOW
    )
    rules = admin.describe_acls(anything).result()
    own = (rule for rule in rules if rule.principal in (f"User:{USER}", "User:*"))
    return sorted(f"{rule.operation.name.lower()} {rule.name}" for rule in own)
