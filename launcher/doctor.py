"""`python run.py doctor`: look at everything that has to be right, and say how to mend what is not."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import requests
from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

from brokers import BrokerError, client_config, docker, jars, local, refusal
from brokers.ports import taken
from launcher import ROOT, session, terminal

DISK_MEGABYTES = 1000


@dataclass
class Finding:
    """One thing that was looked at. `fix` says what to type; empty when nothing is wrong."""

    about: str
    what: str
    fix: str = ""


def main() -> int:
    """Print every finding; 0 when nothing has to be mended, else 1."""
    mend = 0
    for finding in findings():
        mark = "!" if finding.fix else " "
        terminal.write(f"{mark} {finding.about:<{terminal.NAME_WIDTH}} {finding.what}")
        if finding.fix:
            mend += 1
            terminal.write(f"  {'':<{terminal.NAME_WIDTH}} -> {finding.fix}")
    terminal.write("")
    terminal.write(f"{mend} to mend" if mend else "all is well")
    return 1 if mend else 0


def findings() -> Iterator[Finding]:
    """All findings, in the order in which things depend on each other."""
    yield Finding("python", f"{sys.version.split()[0]}, packages in {sys.prefix}")
    yield _disk()
    yield Finding("docker", docker.engine_problem() or "the engine answers, with compose")
    yield from _local_broker()
    yield from _programs()
    servers = session.BOOTSTRAP_SERVERS or session.DEFAULT_BOOTSTRAP_SERVERS
    try:
        problem = refusal(servers)
    except BrokerError as error:
        yield Finding("kafka", str(error), error.hint)
        return
    if problem:
        yield _no_broker(servers, problem)
    else:
        yield from _cluster(servers)


def _disk() -> Finding:
    free = shutil.disk_usage(ROOT).free // 2**20
    fix = "" if free > DISK_MEGABYTES else f"make room: {DISK_MEGABYTES} MB are a good measure"
    return Finding("disk", f"{free:,} MB free", fix)


def _local_broker() -> Iterator[Finding]:
    """The broker that needs no Docker: its Java, its jars."""
    try:
        yield Finding("java", " ".join(local.find_java()))
    except BrokerError as error:
        yield Finding("java", str(error), error.hint)
    missing = len(jars.broken_or_missing())
    what = f"{missing} of {len(jars.pinned())} still to download" if missing else "all there, verified"
    yield Finding("kafka jars", f"{jars.kafka_version()}: {what}, in {jars.REPOSITORY}")


def _programs() -> Iterator[Finding]:
    """The ports of the five programs: free, ours, or somebody else's."""
    ports = {"producer": int(session.PRODUCER_PORT), "page": int(session.PAGE_PORT)}
    ports |= {f"consumer-{n + 1}": int(session.CONSUMER_PORT) + n for n in range(session.CONSUMERS)}
    for name, port in ports.items():
        holder = taken(port)
        if holder is None:
            yield Finding(name, f"not running, port {port} is free")
        elif _is_ours(name, port):
            yield Finding(name, f"running on port {port}: {holder}")
        else:
            yield Finding(name, f"port {port} is taken by {holder}", f"end it: {holder.how_to_end}")


def _is_ours(name: str, port: int) -> bool:
    path = "_stcore/health" if name == "page" else "health"
    try:
        answer = requests.get(f"http://127.0.0.1:{port}/{path}", timeout=8)
        return answer.text == "ok" if name == "page" else bool({"topic", "hint"} & answer.json().keys())
    except (requests.RequestException, ValueError, AttributeError):
        return False


def _no_broker(servers: str, problem: str) -> Finding:
    if "no understanding" in problem:
        return Finding("kafka", problem, "look into KAFKA_CLIENT_CONFIG: password, certificate")
    if servers == session.DEFAULT_BOOTSTRAP_SERVERS and (holder := taken(9092)):
        return Finding("kafka", f"port 9092 is taken by {holder}, not a broker", f"end it: {holder.how_to_end}")
    return Finding("kafka", problem, "python run.py   (or start_kafka.bat)")


def _cluster(servers: str) -> Iterator[Finding]:
    """The broker, the topic and the group, as the broker sees them."""
    admin = AdminClient(client_config(servers))
    try:
        metadata = admin.list_topics(timeout=10)
        yield Finding("kafka", f"{len(metadata.brokers)} broker on {servers}, cluster {metadata.cluster_id}")
        topic = metadata.topics.get(session.TOPIC)
        if topic is None:
            hidden = ", or no access rule lets us see it" if "sasl.username" in client_config(servers) else ""
            fix = "python run.py topic   (or create_likes_topic.bat)"
            yield Finding("topic", f"{session.TOPIC} is missing{hidden}", fix)
            return
        count, wanted = len(topic.partitions), session.PARTITIONS
        delete = f"python run.py kafka-topics --bootstrap-server {servers} --delete --topic {session.TOPIC}"
        fix = "" if count == wanted else f"{delete}   (its events go!), then: python run.py topic"
        yield Finding("topic", f"{session.TOPIC} has {count} partitions", fix)
        yield _group(admin)
    except KafkaException as error:
        yield Finding("kafka", f"the broker does not answer: {error.args[0].str()}", "python run.py doctor, once more")


def _group(admin: AdminClient) -> Finding:
    group = admin.describe_consumer_groups([session.GROUP], request_timeout=10)[session.GROUP].result()
    members = ", ".join(
        f"{member.client_id} {sorted(p.partition for p in member.assignment.topic_partitions)}"
        for member in sorted(group.members, key=lambda member: member.client_id)
    )
    moving = group.state in (ConsumerGroupState.PREPARING_REBALANCING, ConsumerGroupState.COMPLETING_REBALANCING)
    fix = "a rebalance takes seconds: python run.py doctor, once more; then restart the consumers" if moving else ""
    return Finding("group", f"{session.GROUP}: {members or 'no members'}", fix)
