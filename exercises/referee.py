"""What the judges share: a trial with topics of its own, the learner's program in a process, faults that always hit.

A fault is a state (offsets that go back, a service that holds its answer, a locked database), not a moment: it hits
however slow the machine is. A judge makes sure that its fault has hit before it decides a goal. It never reads the
program: only the log, the group, the service and the database.
"""

import concurrent.futures
import contextlib
import json
import random
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import psutil
from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

import plumbing.topic
import settings
from exercises.program import END_SECONDS, TRACEBACK, Program
from labs import topics
from labs.checks import Goal
from plumbing.kafka import client_config, security_protocol
from plumbing.topic import READ_TO_END, read_to_end
from plumbing.waiting import wait_until

START_SECONDS = 10.0  # until a program has joined its group and does something
QUIET_SECONDS = 3.0  # without anything new: it does nothing more
COMMIT_SECONDS = 0.5  # in which an automatic commit would happen: see child.QUICK
TAKE_EFFECT_SECONDS = 5.0  # until a broker heeds a new setting
SESSION_SECONDS = 6.0  # the shortest that brokers allow: see child.CLASSIC
DELETE_SECONDS = 2.0  # for the topics and groups of a trial
LEFT_SECONDS = 300.0  # what is older was left by a judge that was killed
FOLDER = "kafka-exercise-"  # temporary ones of trials
CORRECT = "correct what the last line says"  # of a program that has ended with an error
GONE = (KafkaError.GROUP_ID_NOT_FOUND, KafkaError.UNKNOWN_MEMBER_ID)


# `insist(ask)`: asked again, whatever the error is, because a new topic or group is not known at once.
insist = partial(plumbing.topic.insist, seconds=5.0, whatever=True)


class Stuck(Exception):
    """The program does not do what the judge waits for; the text says what it did instead."""


def _without_errors(places: list[TopicPartition]) -> list[TopicPartition]:
    """Raises KafkaException if one of them has an error: the answer as a whole may have none."""
    if error := next((place.error for place in places if place.error is not None), None):
        raise KafkaException(error)
    return places


def some(orders: Iterable, most: int = 5) -> str:
    """`12, 13, 14, 15, 16 and 7 more`"""
    orders = sorted(orders)
    more = f" and {len(orders) - most} more" if len(orders) > most else ""
    return ", ".join(map(str, orders[:most])) + more


class Trial:
    """One judgement: topics, groups and files of its own; made by `trial_of`.

    `group` is the name that the program sees as GROUP, the same in all rounds; on the broker the group has the round's
    prefix. `defaults` are settings of the program's clients that it may overrule: {"Producer": {...}}.
    """

    group = "mine"

    def __init__(self, source: bytes, file: Path, number: int):
        self._source, self._file = source, file.resolve()
        self.prefix = topics.named(
            f"{topics.TRIAL}{time.time_ns() // 1_000_000:x}-{random.randrange(16**4):04x}-{number}-"
        )
        self.defaults: dict[str, dict] = {}
        self.found = lambda: ""  # what else is wrong up to here, if the program gets stuck
        self.round = 0
        self.longest_poll: float | None = None  # seconds after which poll() returns None, whatever the program says
        self.joins_a_group = True  # the program of this exercise
        self.what, self.next = "it runs", "read the task again, or ask for a hint"  # what the judge is looking at
        self.topics: dict[str, list[list[dict]]] = {}  # name -> the events of each partition
        self.programs: list[Program] = []
        self._logs: dict[tuple[str, str], tuple[Consumer, list[Message]]] = {}  # (topic, isolation) -> what is read

    def prepare(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=FOLDER))
        self._snapshot = self.folder / "snapshot.py"  # of one moment: the learner may save while the judge works
        self._snapshot.write_bytes(self._source)
        self._spare = self._start_spare()
        self._producer = Producer(client_config() | {"linger.ms": 5})
        self.admin = AdminClient(client_config())

    def close(self) -> None:
        """End the programs; delete topics, groups and files."""
        for program in self.programs:
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.kill()
        if hasattr(self, "admin"):
            for consumer, _ in self._logs.values():
                consumer.close()
            with contextlib.suppress(KafkaException):
                self._delete()
            # Now, and in this thread: the garbage collector may run in a thread of librdkafka, where a client that is
            # destroyed ends the process.
            del self.admin, self._producer, self._logs
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def _delete(self) -> None:
        """Raises KafkaException."""
        deleted = self.admin.delete_topics(list(self.topics)) if self.topics else {}
        wait_until(lambda: self._delete_groups() or not self.can_evict, DELETE_SECONDS)
        for future in deleted.values():
            with contextlib.suppress(concurrent.futures.TimeoutError):
                future.result(DELETE_SECONDS)

    def _delete_groups(self) -> bool:
        """True if none is left. What a program that was killed has still sent may make it a member once more."""
        known = [group.group_id for group in self.admin.list_consumer_groups().result().valid]
        groups = [group for group in known if group.startswith(self.prefix)]
        for group in groups if self.can_evict else ():  # members that were killed would hold their group
            for member, _ in self.members(group):
                self.evict(member, group)
        for future in (self.admin.delete_consumer_groups(groups) if groups else {}).values():
            with contextlib.suppress(KafkaException):  # it has a member
                future.result()
        return not groups

    # Kafka

    def topic(self, partitions: int = 3, name: str = "likes", config: dict[str, str] | None = None) -> str:
        """A new topic."""
        full = f"{self.prefix}{name}"
        self.topics[full] = [[] for _ in range(partitions)]
        topics.make_topic(full, partitions, config)
        return full

    def write(self, topic: str, events: Iterable[dict]) -> None:
        """Round robin over the partitions, by `order`, and confirmed. The key is the `person`, if it has one."""
        for event in events:
            partition = event["order"] % len(self.topics[topic])
            self.topics[topic][partition].append(event)
            self.produce(topic, json.dumps(event), event.get("person"), partition)
        self.flush()

    def produce(self, topic: str, value, key=None, partition: int = -1, **more) -> None:
        """A record of any kind; `flush` confirms it."""
        insist(lambda: self._producer.produce(topic, value, key, partition, on_delivery=self._report, **more))

    def _report(self, error, _message) -> None:
        if error:
            raise KafkaException(error)  # from flush()

    def flush(self) -> None:
        if self._producer.flush(10):
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "the judge's events"))

    def refuses(self, topic: str) -> bool:
        """True if the broker refuses a record; otherwise it is now in the topic."""
        errors: list[KafkaError | None] = []
        insist(
            lambda: self._producer.produce(topic, b"probe", on_delivery=lambda error, _message: errors.append(error))
        )
        self.flush()
        return errors[0] is not None  # a KafkaError that is compared with None leaves a TypeError for the next line

    def refuse(self, topic: str) -> None:
        """From now on the broker refuses all records for the topic. Raises KafkaException if it does not."""
        self._set_most_bytes(topic, "1")
        if not wait_until(lambda: self.refuses(topic), TAKE_EFFECT_SECONDS):
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "the broker does not refuse records yet"))

    def accept(self, topic: str) -> None:
        """Records are taken again."""
        self._set_most_bytes(topic, None)
        wait_until(lambda: not self.refuses(topic), TAKE_EFFECT_SECONDS)

    def _set_most_bytes(self, topic: str, number: str | None) -> None:
        operation = AlterConfigOpType.DELETE if number is None else AlterConfigOpType.SET
        entry = ConfigEntry("max.message.bytes", number or "", incremental_operation=operation)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        insist(lambda: self.admin.incremental_alter_configs([resource])[resource].result())

    def read(self, topic: str, isolation: str = "read_uncommitted") -> list[Message]:
        """All records of the topic, by partition and offset. Those that it has read once it does not read again."""
        if (topic, isolation) not in self._logs:
            reader = {"group.id": f"{self.prefix}judge", "auto.offset.reset": "earliest", "isolation.level": isolation}
            self._logs[topic, isolation] = Consumer(client_config() | READ_TO_END | reader), []
        consumer, records = self._logs[topic, isolation]
        following = dict.fromkeys(range(len(self.topics[topic])), 0)
        following |= {record.partition(): record.offset() + 1 for record in records}
        starts = [TopicPartition(topic, *place) for place in following.items()]
        records += read_to_end(consumer, starts, topics.BROKER_SECONDS)
        return sorted(records, key=lambda record: (record.partition(), record.offset()))

    @property
    def real_group(self) -> str:
        return f"{self.prefix}{self.round}-{self.group}"

    def committed(self, topic: str) -> dict[int, int]:
        """Partition -> committed offset of this round's group; 0 where there is none."""
        places = [TopicPartition(topic, number) for number in range(len(self.topics[topic]))]

        def ask():
            wanted = ConsumerGroupTopicPartitions(self.real_group, places)
            asked = self.admin.list_consumer_group_offsets(
                [wanted], require_stable=True
            )  # not while a transaction ends
            return _without_errors(asked[self.real_group].result().topic_partitions)

        return {place.partition: max(place.offset, 0) for place in insist(ask)}

    def ends(self, topic: str) -> dict[int, int]:
        return {number: len(events) for number, events in enumerate(self.topics[topic])}

    def passed(self, topic: str) -> list[dict]:
        """The events before the committed offsets: the group will never read them again."""
        committed = self.committed(topic).items()
        return [event for number, offset in committed for event in self.topics[topic][number][:offset]]

    def is_at_the_end(self, topic: str) -> bool:
        return self.committed(topic) == self.ends(topic)

    def committed_all(self, topic: str, following: str) -> Goal:
        """The goal that every offset is committed in the end."""
        committed, ends = self.committed(topic), self.ends(topic)
        behind = [f"partition {p}: {committed[p]} of {ends[p]}" for p in ends if committed[p] != ends[p]]
        self.look("in the end, all is committed", following)
        return self.goal(not behind, "; ".join(behind) or "the group is at the end of each partition")

    def all_read(self, topic: str, *programs: Program) -> bool:
        """True if every event was given to one of these programs, or is committed."""
        read = self.committed(topic)
        for program in programs:
            for partition, offset in program.places.items():
                read[partition] = max(read[partition], offset)
        return read == self.ends(topic)

    def next_round(self, *names: str, back: int = 0) -> None:
        """From now on the program is in another group, which has the offsets of the one so far in these topics, or
        `back` fewer: what a crash leaves, without the wait for the session timeout of the dead member."""
        offsets = {name: self.committed(name) for name in names}
        self.round += 1
        for name in names:
            self.commit(
                name, {partition: max(0, offset - back) for partition, offset in offsets[name].items() if offset}
            )

    def commit(self, topic: str, offsets: dict[int, int]) -> None:
        """Move this round's group, which must have no member, to these offsets."""
        group = self.real_group
        moved = [ConsumerGroupTopicPartitions(group, [TopicPartition(topic, p, at) for p, at in offsets.items()])]
        if offsets:
            asked = self.admin.alter_consumer_group_offsets
            insist(lambda: _without_errors(asked(moved)[group].result().topic_partitions))

    def members(self, group: str = "") -> list[tuple[str, list[int]]]:
        """(id, its partitions) of each member of this round's group."""
        found = self._described(group or self.real_group).members
        return [(one.member_id, [place.partition for place in one.assignment.topic_partitions]) for one in found]

    def _described(self, group: str):
        return insist(lambda: self.admin.describe_consumer_groups([group])[group].result())

    @property
    def can_evict(self) -> bool:
        """Only without TLS and passwords."""
        return security_protocol() == "PLAINTEXT"

    def evict(self, member: str, group: str = "") -> None:
        """Take a member out of the group, as its session timeout would: a LeaveGroup request on its behalf. (Java's
        admin client can; librdkafka's cannot.) https://kafka.apache.org/protocol#The_Messages_LeaveGroup"""
        group = group or self.real_group
        coordinator = self._described(group).coordinator
        text = lambda value: struct.pack(">h", len(value.encode())) + value.encode()  # noqa: E731
        body = struct.pack(">hhi", 13, 2, 1) + text("judge") + text(group) + text(member)
        host = coordinator.host
        if client_config()["broker.address.family"] == "v4":  # Windows takes 2 s to be refused by ::1
            host = socket.gethostbyname(host)
        with socket.create_connection((host, coordinator.port), 5) as connection:
            connection.sendall(struct.pack(">i", len(body)) + body)
            answer = connection.recv(64)
        (error,) = struct.unpack(">h", answer[12:14])
        if error and error not in GONE:
            raise KafkaException(KafkaError(error))

    def throw_out(self, program: Program) -> str:
        """Let the group go on without its only member, which does not know yet that it has lost its partitions. Gives
        the id that it had. Raises `Stuck`."""
        members = self.members()
        if len(members) != 1:
            raise Stuck(f"the program is not the only member of its group. {self._instead(program)}")
        [(member, _)] = members
        if self.can_evict:
            self.evict(member)
            return member
        process = psutil.Process(program.process.pid)
        suspended = [process, *process.children(recursive=True)]  # on Windows, the first one only starts Python
        for one in suspended:
            one.suspend()
        try:
            if not wait_until(lambda: not self.members(), 2 * SESSION_SECONDS):
                raise Stuck("it was suspended, and is still a member of its group: does it set session.timeout.ms?")
        finally:
            for one in suspended:
                one.resume()
        return member

    # The program

    def look(self, what: str, following: str) -> None:
        """What comes next: `goal` is about it, and so is what a `Stuck` tells."""
        self.what, self.next = what, following

    def goal(self, reached: bool, why: str) -> Goal:
        return Goal(self.what, reached, why, self.next)

    def start(self, **environment: str) -> Program:
        """The learner's program, with KAFKA_BOOTSTRAP_SERVERS, GROUP and this environment."""
        own = {"KAFKA_BOOTSTRAP_SERVERS": settings.BOOTSTRAP_SERVERS, "GROUP": self.group}
        own |= dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")  # for the service
        program = self._spare
        program.begin(
            {
                "environment": own | environment,
                "group": self.real_group,
                "prefix": self.prefix,
                "snapshot": str(self._snapshot),
                "defaults": self.defaults,
                "longest_poll": self.longest_poll,
            }
        )
        self._spare = self._start_spare()
        return program

    def run(self, seconds: float = START_SECONDS, **environment: str) -> tuple[Program, int]:
        """The program and its exit code, when it has ended. Raises `Stuck` if it does not."""
        program = self.start(**environment)
        return program, self.end_of(program, seconds)

    def end_of(self, program: Program, seconds: float = START_SECONDS) -> int:
        """Its exit code. Raises `Stuck` if it does not end in time."""
        try:
            return program.wait(max(0.0, program.began + seconds - time.monotonic()))
        except subprocess.TimeoutExpired:
            program.kill()
            raise Stuck(f"the program has not ended within {seconds:.0f} s") from None

    def _start_spare(self) -> Program:
        program = Program(self._file, self.folder / f"places-{len(self.programs)}")
        self.programs.append(program)
        return program

    def wait(
        self, program: Program, condition: Callable, what: str | Callable[[], str], seconds: float = START_SECONDS
    ):
        """Until the condition is true. Raises `Stuck` with what the program did instead."""
        wait_until(lambda: condition() or not program.running, seconds, 0.01)
        if value := condition():
            return value
        if not program.running:
            code = program.wait(END_SECONDS)
            raise Stuck(f"the program has ended with exit code {code}: {program.last_words}")
        told = what() if callable(what) else what
        raise Stuck(f"not within {seconds:.0f} s: {told}. {self._instead(program)}".rstrip())

    def insist_on_running(self, program: Program) -> None:
        """Raises `Stuck` if it has ended."""
        self.wait(program, lambda: program.running, "")

    def settle(self, is_right: Callable, state: Callable, *programs: Program, topic: str = "") -> None:
        """Until it is right, or no program runs, or nothing changes any more: neither the state nor, if it reads
        `topic`, what is committed there."""
        before, since = None, time.monotonic()
        while not is_right() and any(program.running for program in programs):
            now = state(), self.committed(topic) if topic else None
            quiet = COMMIT_SECONDS if topic and self.is_at_the_end(topic) else QUIET_SECONDS
            if now != before:
                before, since = now, time.monotonic()
            elif time.monotonic() - since > quiet:
                return
            time.sleep(0.05)

    def _instead(self, program: Program) -> str:
        if not self.joins_a_group:
            return ""
        members = self.members()
        if not members and program.records:
            return f"It has read {program.records} records, and is in no group."
        if not members:
            return "Nobody is in the group: does the program call subscribe(), with GROUP as group.id, and poll()?"
        if not any(partitions for _, partitions in members):
            return "It is in the group, but owns no partition: does it subscribe to TOPIC, and poll()?"
        committed = [offset for topic in self.topics for offset in self.committed(topic).values()]
        if not any(committed):
            return (
                "It owns partitions, and has committed nothing. Does it poll? "
                "And without auto.offset.reset=earliest, a new group starts at the end."
            )
        return f"It owns partitions; committed offsets: {committed}"

    @property
    def printed(self) -> list[str]:
        """What the programs have printed, without tracebacks, the last one last."""
        printed = [list(program.newest) for program in self.programs]
        return [line for lines in printed for line in lines[: [*lines, TRACEBACK].index(TRACEBACK)]]


def exit_of(code: int | None) -> str:
    return "it kept running and had to be killed" if code is None else f"exit code {code}"


@contextlib.contextmanager
def trial_of(source: bytes, file: Path, number: int) -> Iterator[Trial]:
    """A trial of this source, which was read from the file. A Ctrl+C does not disturb the cleaning up."""
    trial = Trial(source, file, number)
    try:
        trial.prepare()
        yield trial
    finally:
        with _undisturbed():
            trial.close()


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def sweep() -> None:
    """Delete what judges that were killed have left: topics, groups, temporary folders. Raises KafkaException."""
    admin = AdminClient(client_config())
    deleted = {}
    if left := [name for name in admin.list_topics(timeout=topics.BROKER_SECONDS).topics if _was_left(name)]:
        deleted |= admin.delete_topics(left)
    groups = [group.group_id for group in admin.list_consumer_groups().result().valid]
    if left := [name for name in groups if _was_left(name)]:
        deleted |= admin.delete_consumer_groups(left)
    for future in deleted.values():  # a client that is destroyed sends nothing any more
        with contextlib.suppress(KafkaException):  # a group that still has a member
            future.result()
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > LEFT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def _was_left(name: str) -> bool:
    """True if this topic or group is from a trial of this learner that must have ended by now."""
    beginning = topics.named(topics.TRIAL)
    if not name.startswith(beginning):
        return False
    try:
        began = int(name.removeprefix(beginning).partition("-")[0], 16) / 1000
    except ValueError:
        return False
    return time.time() - began > LEFT_SECONDS
