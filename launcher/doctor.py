"""`python run.py doctor`: check everything, and print how to fix what is wrong."""

import concurrent.futures
import contextlib
import re
import shutil
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests
from confluent_kafka import ConsumerGroupState, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

import settings
from brokers import compose, containers, explain, jars, java, local
from brokers.cluster import services
from brokers.damage import damage
from brokers.jars import VERSIONS
from brokers.ports import port_holder
from brokers.topic import PARTITIONS
from launcher import terminal
from plumbing import Problem, loopback
from plumbing.kafka import BROKER_SECONDS, NOT_AUTHORIZED, Unavailable, broker_problem, client_config, security_protocol
from plumbing.plain import plain
from plumbing.topic import create, missing
from settings import ROOT

DISK_MEGABYTES = 1000
LONGEST_MEMBER = 100  # characters; a client id may have thousands
CLOCK_SECONDS = 60  # a broker's clock may differ by this much


@dataclass
class Finding:
    """The result of one check. `fix` is what to type; empty if nothing is wrong."""

    about: str
    what: str
    fix: str = ""


def main() -> int:
    """Print every finding; returns 0 if there is nothing to fix, else 1."""
    wrong = 0
    for finding in findings():
        mark = "!" if finding.fix else " "
        terminal.write(f"{mark} {finding.about:<{terminal.NAME_WIDTH}} {plain(finding.what)}")
        if finding.fix:
            wrong += 1
            terminal.write(f"  {'':<{terminal.NAME_WIDTH}} -> {finding.fix}")
    terminal.write("")
    terminal.write(f"{wrong} to fix" if wrong else "all is well")
    return 1 if wrong else 0


def findings() -> Iterator[Finding]:
    """All findings, in the order of their dependencies."""
    yield Finding("python", f"{sys.version.split()[0]}, packages in {sys.prefix}")
    yield _disk()
    servers = settings.BOOTSTRAP_SERVERS
    try:
        problem: Problem | None = broker_problem(servers)
    except Problem as wrong:  # settings of the client
        problem = wrong
    no_broker = type(problem) is Unavailable  # and not Refused or Misdirected: then settings are at fault
    yield _docker(needed=no_broker)
    yield from _containers(needed=no_broker)
    yield _image()
    yield from _local_broker()
    yield from _programs()
    yield _hosts()
    if not problem:
        yield from _cluster(servers)
    elif no_broker and servers == settings.DEFAULT_BOOTSTRAP_SERVERS and (holder := port_holder(9092)):
        yield Finding("kafka", f"port 9092 is taken by {holder}, not a broker", f"end it: {holder.how_to_end}")
    else:
        yield Finding("kafka", str(problem), "python run.py   (or start_kafka.bat)" if no_broker else problem.hint)


def _disk() -> Finding:
    free = shutil.disk_usage(ROOT).free // 2**20
    fix = "" if free > DISK_MEGABYTES else f"make room: {DISK_MEGABYTES} MB are enough"
    return Finding("disk", f"{free:,} MB free", fix)


def _docker(needed: bool) -> Finding:
    """If Docker is not running, that only has to be fixed if no broker answers."""
    problem = explain.engine_problem()
    if not problem:
        return Finding("docker", "the engine answers, with compose")
    needs_fix = needed and str(problem) != explain.NOT_INSTALLED
    return Finding("docker", str(problem), f"{problem.hint}, or do without it: {explain.WITHOUT}" if needs_fix else "")


def _containers(needed: bool) -> Iterator[Finding]:
    """Containers of other projects with the names of this one, and Kafdrop's port."""
    if not shutil.which("docker"):
        return
    for container in containers.of_others():
        fix = f"{explain.RENAME.format(name=container.name)}, or do without Docker: {explain.WITHOUT}" if needed else ""
        yield Finding("container", f"{container} belongs to another project, and has one of our names", fix)
    for ended in containers.ended_of_ours() if needed else ():
        if why := explain.why_it_ended(ended.name, ended.compose):
            yield Finding("container", f"{ended} has ended: {why.what}", why.remedy)
    port = settings.KAFDROP_PORT
    if (holder := port_holder(port)) and holder.container and holder.container.is_ours:
        yield Finding("kafdrop", f"running on http://localhost:{port}")
    elif holder:
        other = "set KAFDROP_PORT to a free one (the lessons do not need Kafdrop)"
        yield Finding("kafdrop", f"port {port} is taken by {holder}; {other}")
    else:
        yield Finding("kafdrop", f"not running, port {port} is free")


def _image() -> Finding:
    """The compose file's image: Bitnami's old name no longer exists, and the jars have one version."""
    image = compose.SINGLE.image
    name, _, tag = image.rpartition(":")
    version = jars.kafka_version()
    if re.fullmatch(r"(docker\.io/)?bitnami/kafka", name):
        fix = f"unset KAFKA_IMAGE, or set it to bitnamilegacy/kafka:{tag}"
        return Finding("image", f"{image} was moved away in August 2025", fix)
    numbers = re.match(r"\d+\.\d+\b", tag)
    other = numbers and not version.startswith(numbers[0] + ".")
    fix = "unset KAFKA_IMAGE" if other else ""
    return Finding("image", f"{image}" + (f": another version than the lessons' {version}" if other else ""), fix)


def _data() -> Iterator[Finding]:
    """The data of the local brokers: complete, and from this cluster."""
    for kafka in VERSIONS:
        of_cluster = ((service, local.folder_of(kafka) / "cluster" / service.name) for service in services(kafka))
        for service, folder in ((compose.SINGLES[kafka], local.folder_of(kafka)), *of_cluster):
            if (folder / "data").exists():
                yield _data_of(folder / "data", service)


def _data_of(data: Path, service: compose.Service) -> Finding:
    about, wipe = "data", "python run.py clean   (wipes its events), then python run.py"
    found, wanted = local.cluster_of(data), service.cluster_id
    if not found:
        return Finding(about, f"{local.shown(data)} is half written: it has no cluster id", wipe)
    if found != wanted:
        return Finding(about, f"{local.shown(data)} belongs to cluster {found}, not {wanted}", wipe)
    if damaged := damage(data):
        return Finding(about, damaged.what, f"{damaged.remedy}, then python run.py")
    return Finding(about, f"{local.shown(data)} belongs to cluster {wanted}")


def _local_broker() -> Iterator[Finding]:
    """The broker without Docker: its Java and jars."""
    try:
        yield Finding("java", " ".join(java.find_java()))
    except Problem as error:
        yield Finding("java", str(error), error.hint)
    for kafka in VERSIONS:
        missing = len(jars.broken_or_missing(kafka))
        what = f"{missing} of {len(jars.pinned(kafka))} still to download" if missing else "all there, verified"
        yield Finding("kafka jars", f"{jars.kafka_version(kafka)}: {what}, in {jars.REPOSITORY}")
    yield from _data()


def _programs() -> Iterator[Finding]:
    """The five programs: what they say of themselves, or who else has their ports."""
    ports = {"producer": settings.PRODUCER_PORT, "page": settings.PAGE_PORT}
    consumers = range(settings.CONSUMER_PORT, min(settings.CONSUMER_PORT + settings.CONSUMERS, 2**16))
    ports |= {f"consumer-{number}": port for number, port in enumerate(consumers, 1)}
    for name, port in ports.items():
        holder = port_holder(port)
        if holder is None:
            yield Finding(name, f"not running, port {port} is free")
        elif (health := _health(name, port)) is None:
            yield Finding(name, f"port {port} is taken by {holder}", f"end it: {holder.how_to_end}")
        elif "error" in health:
            yield Finding(name, f"port {port}: {health['error']}", health["hint"])
        else:
            yield Finding(name, f"running on port {port}: {holder}")


def _health(name: str, port: int) -> dict | None:
    """What the program answers, None if it is not one of the five."""
    try:
        if name == "page":
            page = loopback.get(f"http://127.0.0.1:{port}/_stcore/health", timeout=8)
            return {} if page.text == "ok" else None
        answer = loopback.get(f"http://127.0.0.1:{port}/health", timeout=8).json()
        return answer if {"topic", "hint"} & answer.keys() else None
    except (requests.RequestException, ValueError, AttributeError):
        return None


def _hosts() -> Finding:
    """The host names under which the page opens, and if the running page knows those in ALLOWED_HOSTS."""
    named = settings.ALLOWED_HOSTS
    if not named:
        return Finding("hosts", "of this computer only; a forwarded port (Codespaces): name its host in ALLOWED_HOSTS")
    if refused := [host for host in named if _refuses(host)]:
        what = f"the page does not open as {', '.join(refused)}: it was started without ALLOWED_HOSTS"
        return Finding("hosts", what, "quit, then python run.py, with ALLOWED_HOSTS set in that terminal")
    return Finding("hosts", f"of this computer, and {', '.join(named)}")


def _refuses(host: str) -> bool:
    """True if the page runs and refuses a browser that opens it under this name."""
    handshake = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    handshake |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Host": host, "Origin": f"https://{host}"}
    url = f"http://127.0.0.1:{settings.PAGE_PORT}/_stcore/stream"
    try:
        return loopback.get(url, headers=handshake, stream=True, timeout=8).status_code == 403
    except requests.RequestException:
        return False


def _cluster(servers: str) -> Iterator[Finding]:
    """The broker, the topic and the group, as the broker sees them."""
    admin = AdminClient(client_config(servers))
    try:
        metadata = admin.list_topics(timeout=10)
        brokers = "1 broker" if len(metadata.brokers) == 1 else f"{len(metadata.brokers)} brokers"
        yield Finding("kafka", f"{brokers} on {servers}, cluster {metadata.cluster_id}")
        topic = metadata.topics.get(settings.TOPIC)
        if topic is None:
            problem = missing(settings.TOPIC)
            yield Finding("topic", str(problem), problem.hint)
            return
        count = len(topic.partitions)
        delete = f"python run.py kafka-topics --bootstrap-server {servers} --delete --topic {settings.TOPIC}"
        if security_protocol() != "PLAINTEXT":  # Kafka's tools would not get in
            delete = f"let the broker's administrator delete {settings.TOPIC}"
        fix = "" if count == PARTITIONS else f"{delete}   (this deletes its events!), then: python run.py topic"
        yield Finding("topic", f"{settings.TOPIC} has {count} partitions", fix)
        yield _clock(admin, servers, count)
        yield _group(admin, servers)
    except KafkaException as error:
        yield Finding("kafka", f"the broker does not answer: {error.args[0].str()}", "run python run.py doctor again")


def _clock(admin: AdminClient, servers: str, partitions: int) -> Finding:
    """This computer's clock, compared with the broker's and with the newest event."""
    latest = {TopicPartition(settings.TOPIC, number): OffsetSpec.max_timestamp() for number in range(partitions)}
    newest = max(done.result().timestamp for done in admin.list_offsets(latest, request_timeout=10).values())
    ahead = newest / 1000 - time.time()
    if ahead > CLOCK_SECONDS:
        fix = "set the clock of this computer, or of the one that wrote the event"
        return Finding("clock", f"the newest event is {ahead:.0f} s in the future", fix)
    differs = _seconds_ahead_of_broker(admin, servers)
    if differs is None:
        return Finding("clock", "no event is in the future; the broker's clock is not known")
    if abs(differs) > CLOCK_SECONDS:
        how = "ahead of" if differs > 0 else "behind"
        what = f"the clock of this computer is {abs(differs):.0f} s {how} the broker's"
        return Finding("clock", what, "set the one that is wrong")
    return Finding("clock", "no event is in the future, and the broker's clock agrees")


def _seconds_ahead_of_broker(admin: AdminClient, servers: str) -> float | None:
    """By an event in a topic of its own, which the broker dates; None where a user's access rules might let this client
    create one and not delete it."""
    if security_protocol() != "PLAINTEXT":
        return None
    name = f"doctor-{uuid.uuid4().hex[:12]}"
    reports: list = []
    try:
        create(admin, name, 1, {"message.timestamp.type": "LogAppendTime"})
        producer = Producer(client_config(servers))
        producer.produce(name, b"", on_delivery=lambda *report: reports.append(report))
        producer.flush(10)
        return next((time.time() - sent.timestamp()[1] / 1000 for error, sent in reports if error is None), None)
    except KafkaException:
        return None
    finally:
        with contextlib.suppress(concurrent.futures.TimeoutError):
            admin.delete_topics([name])[name].exception(BROKER_SECONDS)


def _group(admin: AdminClient, servers: str) -> Finding:
    try:
        group = admin.describe_consumer_groups([settings.GROUP], request_timeout=10)[settings.GROUP].result()
    except KafkaException as error:
        what = f"the group {settings.GROUP} cannot be looked at"
        if error.args[0].code() in NOT_AUTHORIZED:
            return Finding("group", f"{what}: {error.args[0].str()}", "let this user's access rules (ACLs) allow it")
        if why := local.unreadable_offsets_of_running():
            fix = f"python run.py kafka-topics --bootstrap-server {servers} --delete --topic __consumer_offsets"
            cost = "no likes are lost; consumers read all of them again, and what the labs' checks saw is forgotten"
            return Finding("group", f"{what}: {why}", f"{fix}   ({cost})")
        return Finding("group", f"{what}: {error.args[0].str()}", "restart the broker")
    listed = [
        f"{member.client_id} {sorted(p.partition for p in member.assignment.topic_partitions)}"
        for member in sorted(group.members, key=lambda member: member.client_id)
    ]
    members = ", ".join(name if len(name) <= LONGEST_MEMBER else f"{name[:LONGEST_MEMBER]}..." for name in listed)
    if group.state in (ConsumerGroupState.PREPARING_REBALANCING, ConsumerGroupState.COMPLETING_REBALANCING):
        fix = "a rebalance takes seconds: run python run.py doctor again; then restart the consumers"
        return Finding("group", f"{settings.GROUP} is rebalancing: {members}", fix)
    return Finding("group", f"{settings.GROUP}: {members or 'no members'}")
