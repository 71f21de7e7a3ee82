"""Lab 10: Security. launcher/check.py asks as `admin`: who may do what is nothing that everybody is told."""

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

from labs.checks import Goal
from labs.evidence import Evidence
from labs.lab_01_partitions.check import order_of
from labs.lab_08_schemas.add_field import ORDER
from labs.lab_10_security.logins import LEARNER, answers_to, ways
from labs.lab_10_security.write_only_user import USER
from labs.secured import is_running
from settings import TOPIC

LIKES = 3


def goals(seen: Evidence) -> Iterator[Goal]:
    if not is_running():
        following = "quit, then python run.py --broker secured   (in the first terminal)"
        yield Goal("a broker that asks who you are", False, "no secured broker runs here", following)
        return
    let_in = answers_to(ways())
    reached = let_in.pop(LEARNER) and not any(let_in.values())
    why = f"learner is let in, {sum(not value for value in let_in.values())} other ways are not"
    yield Goal("a broker that asks who you are", reached, why, "python run.py labs/lab_10_security/logins.py")

    orders = [order_of(record) for record in seen.records(TOPIC)]
    likes = sum(order is not None and order > ORDER for order in orders)
    yield Goal("likes of the same programs", likes >= LIKES, f"{likes} in the log", "like 3   (in the first terminal)")

    following = "python run.py labs/lab_10_security/write_only_user.py"
    known = _is_known(seen.admin)
    yield Goal(f"the user {USER}", known, "has a password" if known else "is not known", following)
    allowed = _allowed(seen.admin)
    why = f"may {', '.join(allowed) or 'do nothing'}"
    yield Goal(f"what {USER} may do", allowed == [f"write {TOPIC}"], why, following)
    yield Goal(f"a like that {USER} has written", ORDER in orders, f"{orders.count(ORDER)} in the log", following)


def _is_known(admin: AdminClient) -> bool:
    try:
        return bool(admin.describe_user_scram_credentials([USER])[USER].result().scram_credential_infos)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.RESOURCE_NOT_FOUND:
            return False
        raise


def _allowed(admin: AdminClient) -> list[str]:
    """`write likes`: the rules for the user, and those for everybody."""
    anything = AclBindingFilter(
        ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ALLOW
    )
    rules = admin.describe_acls(anything).result()
    own = (rule for rule in rules if rule.principal in (f"User:{USER}", "User:*"))
    return sorted(f"{rule.operation.name.lower()} {rule.name}" for rule in own)
