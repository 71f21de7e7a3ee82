"""Watches a consumer group: asks the broker and the consumers for its state, and remembers its rebalances.

The broker describes the group (describe_consumer_groups) and its offsets (list_offsets, committed). The cost of a
look does not grow with the topic: only the last few records of a partition are read, and only if there are new ones.

    watcher = GroupWatcher(client_config(), "likes-ui")
    watcher.start()
    watcher.snapshot().partitions[0].owner      # "consumer-5002"
"""

import contextlib
import logging
import threading
import time
from collections import deque
from dataclasses import dataclass, replace

from confluent_kafka import ConsumerGroupState, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from page.group import Member, Partition, Rebalance, Sample, Snapshot, port_of
from page.processes import Processes
from page.tail import Tail
from plumbing import Problem
from plumbing.kafka import BROKER_SECONDS, client, how_to_start
from settings import TOPIC

LOOK_EVERY_SECONDS = 0.25  # while a page is open
LOOK_UNWATCHED_SECONDS = 1.0  # while none is
UNWATCHED_AFTER_SECONDS = 5.0
SAMPLE_EVERY_SECONDS = 0.95  # once a second, although a look is never exactly on time
LANES_READ = 12  # partitions whose records are read; of the others only the offsets are known
REBALANCES_KEPT = 50
SAMPLES_KEPT = 300
SETTLED = (ConsumerGroupState.STABLE, ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD)
NO_BROKER = (KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN)

log = logging.getLogger("page")


@dataclass(frozen=True)
class Look:
    """What the broker answered about the group and the topic at the time `tick` of time.monotonic()."""

    tick: float
    state: ConsumerGroupState
    clients: dict[str, str]  # member id -> client id
    owners: dict[int, str]  # partition -> client id
    ends: dict[int, int]  # partition -> offset of the next event
    committed: dict[int, int | None]


class GroupWatcher:
    """Looks at one group again and again in a thread of its own.

    config          settings of a client, in librdkafka's names
    expected_ports  ports of the consumers that are shown even before they were seen in the group

    Raises InvalidSettings.
    """

    def __init__(self, config: dict, group: str, expected_ports: range = range(0), topic: str = TOPIC):
        self.group = group
        self.topic = topic
        self._config = config
        self._admin = client(AdminClient, config)
        self._tail = Tail(config, group, topic)
        self._processes = Processes()
        # Client id -> the state to show while it is not in the group.
        self._absent = {f"consumer-{port}": "not started" for port in expected_ports}
        self._settled: Look | None = None  # the last one without a rebalance in progress
        self._ownerless_since: dict[int, float] = {}
        self._rebalances: deque[Rebalance] = deque(maxlen=REBALANCES_KEPT)
        self._samples: deque[Sample] = deque(maxlen=SAMPLES_KEPT)
        self._snapshot = Snapshot(at=time.time())
        self._failure = ""
        self._read_at = time.monotonic()
        self._closed = threading.Event()
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """End the thread and the clients."""
        self._closed.set()
        self._hurry.set()
        if self._thread.is_alive():
            self._thread.join(2 * BROKER_SECONDS)
        self._processes.close()
        self._tail.close()

    def snapshot(self) -> Snapshot:
        """The newest state; costs nothing."""
        self._read_at = time.monotonic()
        return self._snapshot

    def look_now(self, seconds: float) -> None:
        """Return when a look that began after this call is done, or after `seconds` without one."""
        asked = time.monotonic()
        self._hurry.set()
        while self._snapshot.tick < asked and time.monotonic() < asked + seconds:
            time.sleep(0.01)

    def groups(self) -> list[str]:
        """Names of all groups of the cluster; empty if the broker does not answer."""
        with contextlib.suppress(KafkaException):
            listed = self._admin.list_consumer_groups(request_timeout=BROKER_SECONDS).result()
            return sorted(group.group_id for group in listed.valid)
        return []

    def _run(self) -> None:
        while not self._closed.is_set():
            started = time.monotonic()
            try:
                self._snapshot = self.look()
                self._failure = ""
            except Exception as error:  # a bug: the board says so, and this thread continues
                if repr(error) != self._failure and not self._closed.is_set():
                    log.exception("The state of the group %s could not be read", self.group)
                self._failure = repr(error)
                hint = "Its terminal shows the details. It keeps trying."
                self._snapshot = replace(self._snapshot, problem="The page has a problem of its own.", hint=hint)
            unwatched = started - self._read_at > UNWATCHED_AFTER_SECONDS
            pause = LOOK_UNWATCHED_SECONDS if unwatched else LOOK_EVERY_SECONDS
            self._hurry.wait(max(pause - (time.monotonic() - started), 0.05))
            self._hurry.clear()

    def look(self) -> Snapshot:
        """Ask the broker and the consumers once."""
        at = time.time()
        try:
            look = self._ask_broker()
            self._ask_processes(look)
            self._note_rebalance(look)
            events = self._tail.read({number: end for number, end in look.ends.items() if number < LANES_READ})
        except (Problem, KafkaException) as error:
            problem = error if isinstance(error, Problem) else self._problem(error.args[0])
            self._reconnect()
            return replace(self._snapshot, problem=str(problem), hint=problem.hint)
        partitions = tuple(
            Partition(number, end, look.committed.get(number), look.owners.get(number), events.get(number, ()))
            for number, end in sorted(look.ends.items())
        )
        self._take_sample(partitions, look.tick)
        return Snapshot(
            at=at,
            tick=look.tick,
            problem="",
            state=look.state.name.lower().replace("_", " "),
            partitions=partitions,
            members=self._members(look),
            rebalances=tuple(self._rebalances),
            samples=tuple(self._samples),
        )

    def _ask_broker(self) -> Look:
        """Raises KafkaException, and Problem if the topic is missing."""
        tick = time.monotonic()
        # All topics: asking for one by name may create it, with a single partition.
        topic = self._admin.list_topics(timeout=BROKER_SECONDS).topics.get(self.topic)
        if topic is None:
            hint = "Create it: `python run.py topic`, or `create_likes_topic.bat`."
            raise Problem(f"The topic {self.topic} does not exist.", hint)
        numbers = list(topic.partitions)
        description = self._admin.describe_consumer_groups([self.group], request_timeout=BROKER_SECONDS)
        latest = {TopicPartition(self.topic, number): OffsetSpec.latest() for number in numbers}
        offsets = self._admin.list_offsets(latest, request_timeout=BROKER_SECONDS)
        committed = self._tail.committed(numbers)  # the two requests above are on their way meanwhile
        ends = {place.partition: future.result().offset for place, future in offsets.items()}
        group = description[self.group].result()
        clients = {member.member_id: member.client_id for member in group.members}
        owners = {
            place.partition: member.client_id
            for member in group.members
            for place in member.assignment.topic_partitions
            if place.topic == self.topic
        }
        return Look(tick, group.state, clients, owners, ends, committed)

    def _problem(self, error: KafkaError) -> Problem:
        if error.code() in NO_BROKER:
            hint = f"Start it: {how_to_start()}."
            return Problem(f"No broker answers on {self._config['bootstrap.servers']}.", hint)
        return Problem("The broker is not ready yet.", error.str())

    def _reconnect(self) -> None:
        """Replace the clients and what they know: after an outage it may be another cluster, or another topic of
        the same name, and librdkafka's old clients would keep timing out there."""
        old = self._tail
        self._admin, self._tail = client(AdminClient, self._config), Tail(self._config, self.group, self.topic)
        old.close()

    def _ask_processes(self, look: Look) -> None:
        for client_id in filter(port_of, look.clients.values()):
            self._absent[client_id] = "left"  # until a rebalance shows how it left
        self._processes.probe(self._absent, look.tick)

    def _note_rebalance(self, look: Look) -> None:
        """Keep a rebalance if the group has settled with other members or owners than before."""
        without_owner = self._longest_gap(look)
        if look.state not in SETTLED:
            return
        before, self._settled = self._settled or look, look
        if (before.clients, before.owners) == (look.clients, look.owners):
            return
        left = sorted(name for member_id, name in before.clients.items() if member_id not in look.clients)
        joined = sorted(name for member_id, name in look.clients.items() if member_id not in before.clients)
        causes = [f"{name} {self._how_it_left(name, look.tick)}" for name in left]
        causes += [f"{name} joined" for name in joined]
        for name in filter(port_of, left):  # other clients have no process that could be asked
            self._absent[name] = self._how_it_left(name, look.tick)
            if name in self._processes:
                self._processes[name].left_at = look.tick
        cause = tuple(causes) or ("the partitions or the subscription changed",)
        self._rebalances.append(Rebalance(time.time(), cause, before.owners, look.owners, without_owner))

    def _longest_gap(self, look: Look) -> float:
        """The longest time without an owner, in seconds, of the partitions that have one again since this look."""
        gaps = [0.0]
        for number in look.ends:
            owner = look.owners.get(number)
            if owner is None or self._processes.silent(owner):
                since = self._processes[owner].answered_at if owner else look.tick
                self._ownerless_since.setdefault(number, since)
            elif number in self._ownerless_since:
                gaps.append(look.tick - self._ownerless_since.pop(number))
        return max(gaps)

    def _how_it_left(self, client_id: str, now: float) -> str:
        if client_id not in self._processes:
            return "left or timed out"
        return "timed out" if self._processes[client_id].timed_out(now) else "left"

    def _members(self, look: Look) -> tuple[Member, ...]:
        """The members of the group and the clients that are known and not in it, each in the order of its port."""
        names = set(look.clients.values()) | set(self._absent)
        in_order = sorted(names, key=lambda name: (port_of(name) or 2**16, name))
        return tuple(self._member(name, look) for name in in_order)

    def _member(self, client_id: str, look: Look) -> Member:
        partitions = tuple(sorted(number for number, owner in look.owners.items() if owner == client_id))
        process = self._processes.get(client_id)
        seconds_left = None
        if client_id not in look.clients.values():
            state = "joining" if process and process.wants_into(self.group) else self._absent[client_id]
        elif process and process.silent:
            state, seconds_left = "silent", process.seconds_left(look.tick)
        elif look.state not in SETTLED:
            state = "joining"
        else:
            state = "consuming" if partitions else "idle"
        return Member(client_id, port_of(client_id), partitions, state, seconds_left)

    def _take_sample(self, partitions: tuple[Partition, ...], now: float) -> None:
        if self._samples and now - self._samples[-1].tick < SAMPLE_EVERY_SECONDS:
            return
        end = sum(partition.end for partition in partitions)
        committed = sum(partition.committed or 0 for partition in partitions)
        self._samples.append(Sample(now, end, committed, sum(partition.lag for partition in partitions)))
