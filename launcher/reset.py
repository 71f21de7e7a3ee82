"""`python run.py labs reset N`: delete what the programs of lab N left, so that it can be repeated.

Only that lab's topics, groups and saved answers. The likes stay, and so does what the consumers of run.py did.
"""

import json

from confluent_kafka import Consumer, ConsumerGroupState, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    ResourcePatternType,
    ResourceType,
    UserScramCredentialDeletion,
)

from labs import checks, click, secured
from labs.internals import history, queues
from labs.topics import BROKER_SECONDS, partitions_of
from launcher import terminal
from plumbing import Problem
from plumbing.kafka import client_config
from plumbing.version import is_kafka_4
from plumbing.waiting import wait_until
from settings import BOOTSTRAP_SERVERS, GROUP, TOPIC

GONE_SECONDS = 30.0  # for the broker to delete a topic
NO_MEMBERS = (ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD)


def main(lab: str | None) -> int:
    """Say what is deleted, and delete it; returns the exit code. Raises `Problem`."""
    known = list(checks.pages())
    if lab is None or lab not in map(str, known):
        what = f"there is no lab {lab}" if lab else "which lab do you want to reset?"
        raise Problem(what, f"python run.py labs reset 4   ({known[0]} to {known[-1]})")
    secured.act_as("admin")
    try:
        _reset(int(lab))
    except KafkaException as error:
        what = f"{BOOTSTRAP_SERVERS} refused: {error.args[0].str()}"
        raise Problem(what, "python run.py in another terminal, then try again") from error
    terminal.say("stays", f"the likes in {TOPIC} and what the group {GROUP} did, and the goals reached through that")
    return 0


def _reset(lab: int) -> None:
    left = checks.leaves(lab)
    if problem := left.in_use():
        raise problem
    admin = AdminClient(client_config())
    topics = admin.list_topics(timeout=BROKER_SECONDS).topics
    found = [topic for topic in left.topics if topic in topics]
    states = {one.group_id: one.state for one in admin.list_consumer_groups().result().valid}
    groups = [group for group in left.groups if group in states or history.of(group) != history.History()]
    if busy := [group for group in groups if states.get(group, ConsumerGroupState.EMPTY) not in NO_MEMBERS]:
        raise Problem(*_busy(busy[0], lab))
    settings = _settings_of(admin, [*left.groups, *left.share_groups])
    shared = [group for group in left.share_groups if queues.of(group, group, admin)]
    answers = [answer for answer in click.all_saved() if left.answers and left.answers(answer)]
    file = secured.properties_of(left.user) if left.user else None

    for group in shared:  # first: it is refused while the group has members
        _delete_share_group(admin, group, lab)
    deleted = [f"the topic {topic}" for topic in found] + [f"the group {group}" for group in [*groups, *shared]]
    deleted += [f"{', '.join(names)} of the group {group}" for group, names in settings.items()]
    deleted += [f"{len(answers)} answers in {click.HISTORY.name}"] if answers else []
    deleted += [f"the user {left.user}, its access rules, {file.name}"] if file else []
    for one in deleted:
        terminal.say("deletes", one)
    if not deleted:
        terminal.say("deletes", f"nothing: lab {lab}'s programs left nothing behind")
    for group in groups:
        _forget(admin, group)
    for group, names in settings.items():
        _delete_settings(admin, group, names)
    if found:
        _delete_topics(admin, found)
    if answers:
        kept = [answer for answer in click.all_saved() if answer not in answers]
        click.HISTORY.write_text("".join(f"{json.dumps(answer)}\n" for answer in kept), encoding="utf-8")
    if file:
        _delete_user(admin, left.user)
        file.unlink(missing_ok=True)


def _forget(admin: AdminClient, group: str) -> None:
    """Delete the group. Its history stays in `__consumer_offsets`, where a commit marks it as void."""
    if partitions_of(TOPIC, admin):
        consumer = Consumer(client_config() | {"group.id": group})
        try:
            consumer.commit(offsets=[TopicPartition(TOPIC, 0, 0, history.RESET)], asynchronous=False)
        finally:
            consumer.close()
    admin.delete_consumer_groups([group])[group].result()


def _settings_of(admin: AdminClient, groups: list[str]) -> dict[str, list[str]]:
    """Group -> its own settings, which Kafka 4 keeps when the group is deleted."""
    resources = [ConfigResource(ResourceType.GROUP, group) for group in groups]
    if not resources or not is_kafka_4():
        return {}
    own = {}
    for resource, described in admin.describe_configs(resources).items():
        entries = described.result(BROKER_SECONDS).items()
        if names := sorted(name for name, entry in entries if entry.source == ConfigSource.GROUP_CONFIG.value):
            own[resource.name] = names
    return own


def _delete_settings(admin: AdminClient, group: str, names: list[str]) -> None:
    entries = [ConfigEntry(name, None, incremental_operation=AlterConfigOpType.DELETE) for name in names]
    resource = ConfigResource(ResourceType.GROUP, group, incremental_configs=entries)
    admin.incremental_alter_configs([resource])[resource].result()


def _delete_share_group(admin: AdminClient, group: str, lab: int) -> None:
    try:
        admin.delete_consumer_groups([group])[group].result()
    except KafkaException as error:
        if error.args[0].code() != KafkaError.NON_EMPTY_GROUP:
            raise
        raise Problem(*_busy(group, lab)) from error


def _busy(group: str, lab: int) -> tuple[str, str]:
    """What is wrong, and what to do."""
    what = f"a program reads in the group {group}, so nothing is deleted"
    return what, f"end it; if it was killed, wait a minute; then python run.py labs reset {lab}"


def _delete_topics(admin: AdminClient, topics: list[str]) -> None:
    """Delete the topics, and return once the broker no longer lists them."""
    for deleted in admin.delete_topics(topics).values():
        deleted.result()
    gone = lambda: not set(topics) & admin.list_topics(timeout=BROKER_SECONDS).topics.keys()  # noqa: E731
    if not wait_until(gone, GONE_SECONDS):
        raise Problem(f"the broker has not deleted {', '.join(topics)} in {GONE_SECONDS:.0f} s")


def _delete_user(admin: AdminClient, user: str) -> None:
    rules = AclBindingFilter(
        ResourceType.ANY, None, ResourcePatternType.ANY, f"User:{user}", None, AclOperation.ANY, AclPermissionType.ANY
    )
    [deleted] = admin.delete_acls([rules]).values()
    deleted.result()
    if known := admin.describe_user_scram_credentials().result().get(user):
        passwords = [UserScramCredentialDeletion(user, one.mechanism) for one in known.scram_credential_infos]
        admin.alter_user_scram_credentials(passwords)[user].result()
