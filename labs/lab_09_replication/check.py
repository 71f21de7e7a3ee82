"""Lab 9: Replication."""

from collections.abc import Iterator

from confluent_kafka.admin import ConfigResource, ResourceType

from labs import click
from labs.checks import Goal, Leaves
from labs.evidence import Evidence, order_of
from labs.lab_05_guarantees.outage import KEY
from labs.topics import BROKER_SECONDS
from settings import TOPIC

BROKERS = 3
IN_SYNC = 2  # min.insync.replicas
CLICKS = 30
ENOUGH = 20  # confirmed ones: a slow computer may refuse some
REFUSED = 3
LEAVES = Leaves(answers=lambda answer: not (answer.get("key") or "").startswith(KEY))


def goals(seen: Evidence) -> Iterator[Goal]:
    cluster = seen.admin.list_topics(timeout=BROKER_SECONDS)
    partitions = cluster.topics[TOPIC].partitions.values() if TOPIC in cluster.topics else []
    copies = min((len(partition.replicas) for partition in partitions), default=0)
    required = _required(seen) if partitions else 0
    why = f"{len(cluster.brokers)} brokers respond, {copies} replicas, min.insync.replicas={required}"
    following = "quit, then python run.py --brokers 3   (in the first terminal)"
    yield Goal("three replicas, two must be in sync", copies == BROKERS and required == IN_SYNC, why, following)

    records = seen.records(TOPIC)
    epochs: dict[int, set[int]] = {}
    for record in records:
        epochs.setdefault(record.partition(), set()).add(record.leader_epoch() or 0)
    changed = {partition: sorted(numbers) for partition, numbers in sorted(epochs.items()) if len(numbers) > 1}
    why = ", ".join(f"partition {p}: leader epochs {numbers}" for p, numbers in changed.items()) or "one leader each"
    following = f"python run.py labs/click.py --count {CLICKS} --every 0.3, and kill kafka-1 while it runs"
    yield Goal("likes were written under more than one leader", copies == BROKERS and bool(changed), why, following)

    answers = seen.clicks() if partitions else []
    confirmed = [answer for answer in answers if answer["status"] == click.CONFIRMED]
    written = {(record.partition(), record.offset()): order_of(record) for record in records}
    there = sum(written.get((answer["partition"], answer["offset"])) == answer["order"] for answer in confirmed)
    why = f"{there} of {len(confirmed)} are in the log, at the offset that was reported for the click"
    reached = copies == BROKERS and len(confirmed) >= ENOUGH and there == len(confirmed)
    yield Goal("no confirmed like is lost", reached, why, following)

    refused = refused_by_the_last_broker(answers)
    others = len(answers) - len(confirmed) - refused
    why = f"{refused} clicks were refused" + (f", {others} more while other brokers could be reached" if others else "")
    following = "kill kafka-1, kill kafka-2, then python run.py labs/click.py --count 3"
    yield Goal("with two brokers down, likes are refused", copies == BROKERS and refused >= REFUSED, why, following)

    after = confirmed_after_a_refusal(answers)
    in_sync = min((len(partition.isrs) for partition in partitions), default=0)
    why = f"{after} clicks were confirmed after a refusal; {in_sync} replicas of each partition are in sync now"
    following = "start kafka-1, start kafka-2, then python run.py labs/click.py --count 3"
    yield Goal("brokers are back, and likes are confirmed again", copies == BROKERS and after > 0, why, following)


def refused_by_the_last_broker(answers: list[dict]) -> int:
    """How many clicks were refused while only one broker could be reached."""
    return sum(answer["status"] != click.CONFIRMED and answer.get("brokers") == 1 for answer in answers)


def confirmed_after_a_refusal(answers: list[dict]) -> int:
    """How many clicks were confirmed after the last broker had refused one. Goes by their order, because a clock can be
    set back."""
    refused = next((at for at, answer in enumerate(answers) if refused_by_the_last_broker([answer])), len(answers))
    return sum(answer["status"] == click.CONFIRMED for answer in answers[refused:])


def _required(seen: Evidence) -> int:
    resource = ConfigResource(ResourceType.TOPIC, TOPIC)
    return int(seen.admin.describe_configs([resource])[resource].result()["min.insync.replicas"].value)
