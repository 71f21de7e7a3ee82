"""What a consumer group looks like right now, and how it came to that: the data of the page.

The broker is asked (describe_consumer_groups, list_offsets, committed), and for what it
cannot know, whether a member is alive, the consumers' own `GET /status`. The cost of a look does not
grow with the topic: only the last few records of a partition are read, and only when there are new ones.

    watcher = GroupWatcher("localhost:9092", "likes-ui")
    watcher.start()
    watcher.snapshot().partitions[0].owner      # "consumer-5002"
"""

import contextlib
import json
import re
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import requests
from confluent_kafka import Consumer, ConsumerGroupState, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from settings import TOPIC

BROKER_SECONDS = 3.0  # how long to wait for an answer of the broker
PROBE_SECONDS = 0.8  # how long to wait for a consumer's /status
PROBE_EVERY_SECONDS = 0.5
LOOK_EVERY_SECONDS = 0.25  # while a page is open
LOOK_SELDOM_SECONDS = 1.0  # while none is
UNWATCHED_AFTER_SECONDS = 5.0
EVENTS_KEPT = 8  # of each partition
READ_SECONDS = 0.5  # at most, for the last events in one look
LANES_READ = 12  # partitions whose records are read; of the others only the offsets are known
REBALANCES_KEPT = 50
HISTORY_SECONDS = 300
SESSION_TIMEOUT_SECONDS = 6.0  # until a consumer tells its own
SETTLED = (ConsumerGroupState.STABLE, ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD)


@dataclass(frozen=True)
class Event:
    """A record of the topic: `order` and `ts_ms` are None when it is not a like."""

    offset: int
    order: int | None
    ts_ms: int | None


@dataclass(frozen=True)
class Partition:
    """A partition with its offsets; `owner` is the client id of the member that it is assigned to."""

    number: int
    end: int
    committed: int | None
    owner: str | None
    events: tuple[Event, ...] = ()

    @property
    def lag(self) -> int:
        """Events that the group has not committed; all of them before its first commit."""
        return max(self.end - (self.committed or 0), 0)


@dataclass(frozen=True)
class Member:
    """A consumer: one that is in the group, one that was, or one that is expected on its port.

    state: consuming, idle (more members than partitions), joining, silent (no answer; the broker will
    notice in at most `seconds_left`), left, timed out, left or timed out (a client without a port), not started
    """

    client_id: str
    port: int | None
    partitions: tuple[int, ...]
    state: str
    seconds_left: float | None = None


@dataclass(frozen=True)
class Rebalance:
    """A change of owners: `before` and `after` map partition to client id. `without_owner` is for how many
    seconds a partition had none, as far as looking every `LOOK_EVERY_SECONDS` can tell."""

    at: float
    causes: tuple[str, ...]
    before: dict[int, str]
    after: dict[int, str]
    without_owner: float


@dataclass(frozen=True)
class Sample:
    """The topic and the group at a time: sums over the partitions."""

    at: float
    end: int
    committed: int
    lag: int


@dataclass(frozen=True)
class Snapshot:
    """All that is known. `problem` says what is missing and `hint` what to do; the rest is then what was seen
    last, at the time `at`."""

    at: float = 0.0
    problem: str = "looking for the broker"
    hint: str = ""
    note: str = ""
    state: str = "unknown"
    partitions: tuple[Partition, ...] = ()
    members: tuple[Member, ...] = ()
    rebalances: tuple[Rebalance, ...] = ()
    samples: tuple[Sample, ...] = ()


@dataclass
class _Alive:
    """What is remembered of a member's process: when it last answered, and what."""

    answered_at: float
    status: dict | None = None
    silent: bool = False
    left_at: float = 0.0


def port_of(client_id: str) -> int | None:
    """The port of the consumer's HTTP API, None for a client that is not our consumer.py."""
    found = re.fullmatch(r"consumer-(\d{1,5})", client_id)
    return int(found[1]) if found else None


class GroupWatcher:
    """Looks at one group again and again in a thread of its own, and remembers its rebalances.

    config          settings of a client, in librdkafka's names
    expected_ports  ports of the consumers that are shown even before they were seen in the group
    """

    def __init__(self, config: dict, group: str, expected_ports: range = range(0)):
        self.group = group
        self._config = config
        self._admin = AdminClient(config)
        self._tail = _Tail(config, group)
        self._known = {f"consumer-{port}": "not started" for port in expected_ports}  # client id -> how it ended
        self._alive: dict[str, _Alive] = {}
        self._probed_at = 0.0
        self._prober = ThreadPoolExecutor(8)
        self._settled: tuple[dict[str, str], dict[int, str]] | None = None  # member id -> client id, owners
        self._ownerless_since: dict[int, float] = {}
        self._rebalances: deque[Rebalance] = deque(maxlen=REBALANCES_KEPT)
        self._samples: deque[Sample] = deque(maxlen=HISTORY_SECONDS)
        self._snapshot = Snapshot(at=time.time())
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
        self._prober.shutdown()
        self._tail.close()

    def snapshot(self) -> Snapshot:
        """The newest look; costs nothing."""
        self._read_at = time.monotonic()
        return self._snapshot

    def look_now(self, seconds: float) -> None:
        """Return when a look that began after this call is done, or after `seconds` without one."""
        asked = time.time()
        self._hurry.set()
        give_up_at = time.monotonic() + seconds
        while self._snapshot.at < asked and time.monotonic() < give_up_at:
            time.sleep(0.01)

    def _run(self) -> None:
        while not self._closed.is_set():
            started = time.monotonic()
            self._snapshot = self.look()
            seldom = started - self._read_at > UNWATCHED_AFTER_SECONDS
            pause = LOOK_SELDOM_SECONDS if seldom else LOOK_EVERY_SECONDS
            self._hurry.wait(max(pause - (time.monotonic() - started), 0.05))
            self._hurry.clear()

    def look(self) -> Snapshot:
        """Ask the broker and the consumers once."""
        now = time.time()
        try:
            numbers = self._partition_numbers()
            if numbers is None:
                self._connect_anew()
                hint = "Create it: `python run.py topic`, or `create_likes_topic.bat`."
                return replace(self._snapshot, problem=f"The topic {TOPIC} does not exist.", hint=hint)
            description = self._admin.describe_consumer_groups([self.group], request_timeout=BROKER_SECONDS)
            latest = {TopicPartition(TOPIC, number): OffsetSpec.latest() for number in numbers}
            offsets = self._admin.list_offsets(latest, request_timeout=BROKER_SECONDS)
            ends = {place.partition: future.result().offset for place, future in offsets.items()}
            committed = self._tail.committed(numbers)
            note = ""
            try:
                group = description[self.group].result()
                state = group.state
                members = {member.member_id: member for member in group.members}
                clients = {member_id: member.client_id for member_id, member in members.items()}
                owners = {
                    place.partition: member.client_id
                    for member in members.values()
                    for place in member.assignment.topic_partitions
                    if place.topic == TOPIC
                }
                self._probe(clients.values(), now)
            except KafkaException as error:
                if error.args[0].code() != KafkaError._UNSUPPORTED_FEATURE:  # as librdkafka's mock cluster
                    raise
                note = "A simulated broker cannot describe a group: the owners are what the consumers say."
                self._probe([], now)
                state, clients, owners = self._as_the_consumers_say()
        except KafkaException as error:
            away = error.args[0].code() in (KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN)
            self._connect_anew()
            problem = (
                f"No broker answers on {self._config['bootstrap.servers']}." if away else "The broker is not ready yet."
            )
            hint = "Start it: `python run.py`, or `start_kafka.bat`." if away else error.args[0].str()
            return replace(self._snapshot, problem=problem, hint=hint)
        self._note_rebalance(state, clients, owners, ends.keys(), now)
        events = self._tail.read({number: end for number, end in ends.items() if number < LANES_READ})
        partitions = tuple(
            Partition(number, ends[number], committed.get(number), owners.get(number), events.get(number, ()))
            for number in sorted(ends)
        )
        self._sample(partitions, now)
        return Snapshot(
            at=now,
            problem="",
            note=note,
            state=state.name.lower().replace("_", " "),
            partitions=partitions,
            members=self._members(state, clients, owners, now),
            rebalances=tuple(self._rebalances),
            samples=tuple(self._samples),
        )

    def groups(self) -> list[str]:
        """Names of all groups of the cluster; empty when the broker does not answer or cannot tell."""
        with contextlib.suppress(KafkaException):
            listed = self._admin.list_consumer_groups(request_timeout=BROKER_SECONDS).result()
            return sorted(group.group_id for group in listed.valid)
        return []

    def _connect_anew(self) -> None:
        """Forget the clients with what they know: after an outage it may be another cluster, or another topic of
        the same name, and librdkafka's old clients go on timing out there."""
        self._tail.close()
        self._admin, self._tail = AdminClient(self._config), _Tail(self._config, self.group)

    def _partition_numbers(self) -> list[int] | None:
        """Numbers of the topic's partitions, None when there is no such topic."""
        # All topics: asking for one by name may create it, with a single partition.
        topic = self._admin.list_topics(timeout=BROKER_SECONDS).topics.get(TOPIC)
        return list(topic.partitions) if topic else None

    def _probe(self, client_ids, now: float) -> None:
        """Ask every consumer with a port for its status, side by side, but not at every look."""
        for client_id in client_ids:
            if port_of(client_id):
                self._known.setdefault(client_id, "joining")
        if now - self._probed_at < PROBE_EVERY_SECONDS:
            return
        self._probed_at = now
        for client_id, status in self._prober.map(_status_of, list(self._known)):
            alive = self._alive.setdefault(client_id, _Alive(answered_at=now))
            alive.silent = status is None
            if status is not None:
                alive.answered_at, alive.status = time.time(), status

    def _as_the_consumers_say(self) -> tuple[ConsumerGroupState, dict[str, str], dict[int, str]]:
        """State, members and owners where only the consumers can be asked."""
        answering = {name: alive.status for name, alive in self._alive.items() if not alive.silent and alive.status}
        mine = {name: status for name, status in answering.items() if status.get("group") == self.group}
        owners = {number: name for name, status in mine.items() for number in status["assignment"]}
        return ConsumerGroupState.STABLE, {name: name for name in mine}, owners

    def _is_silent(self, client_id: str) -> bool:
        alive = self._alive.get(client_id)
        return bool(alive and alive.silent)

    def _note_rebalance(self, state, clients: dict[str, str], owners: dict[int, str], numbers, now: float) -> None:
        """Keep a rebalance when the group has settled with other members or owners than before."""
        gaps = [0.0]
        for number in numbers:
            owner = owners.get(number)
            if owner is None or self._is_silent(owner):
                since = self._alive[owner].answered_at if owner else now
                self._ownerless_since.setdefault(number, since)
            elif number in self._ownerless_since:
                gaps.append(now - self._ownerless_since.pop(number))
        if state not in SETTLED:
            return
        if self._settled is None:
            self._settled = (clients, owners)
        old_clients, before = self._settled
        if (old_clients, before) == (clients, owners):
            return
        gone = {member: name for member, name in old_clients.items() if member not in clients}
        come = {member: name for member, name in clients.items() if member not in old_clients}
        causes = [f"{name} {self._how_it_went(name, now)}" for name in sorted(gone.values())]
        causes += [f"{name} joined" for name in sorted(come.values())]
        for name in filter(port_of, gone.values()):  # other clients have no process that could be asked
            self._known[name] = self._how_it_went(name, now)
            if name in self._alive:
                self._alive[name].left_at = now
        for name in filter(port_of, clients.values()):
            self._known[name] = "joining"
        self._settled = (clients, owners)
        cause = tuple(causes) or ("the partitions or the subscription changed",)
        self._rebalances.append(Rebalance(now, cause, before, owners, max(gaps)))

    def _how_it_went(self, client_id: str, now: float) -> str:
        """left or timed out: a member that was silent for most of its session timeout did not say goodbye."""
        alive = self._alive.get(client_id)
        if not port_of(client_id) or alive is None:
            return "left or timed out"
        return "timed out" if alive.silent and now - alive.answered_at > self._session_timeout(alive) / 2 else "left"

    @staticmethod
    def _session_timeout(alive: _Alive) -> float:
        milliseconds = (alive.status or {}).get("session_timeout_ms")
        return milliseconds / 1000 if isinstance(milliseconds, int) else SESSION_TIMEOUT_SECONDS

    def _members(self, state, clients: dict[str, str], owners: dict[int, str], now: float) -> tuple[Member, ...]:
        """The members of the group, then those that are known and not in it; each in the order of its port."""
        members = []
        names = set(clients.values()) | set(self._known)
        for client_id in sorted(names, key=lambda name: (port_of(name) or 2**16, name)):
            port = port_of(client_id)
            partitions = tuple(sorted(number for number, owner in owners.items() if owner == client_id))
            seconds_left = None
            alive = self._alive.get(client_id)
            if client_id not in clients.values():
                how = self._known[client_id]
                if self._wants_to_join(alive):
                    how = "joining"
                elif how == "joining":  # it was in the group for so short a time that no rebalance was seen
                    how = "left"
            elif alive and alive.silent:
                how = "silent"
                seconds_left = max(self._session_timeout(alive) - (now - alive.answered_at), 0.0)
            elif state not in SETTLED:
                how = "joining"
            else:
                how = "consuming" if partitions else "idle"
            members.append(Member(client_id, port, partitions, how, seconds_left))
        return tuple(members)

    def _wants_to_join(self, alive: _Alive | None) -> bool:
        """True for a process of this group that answers, and not only because it is just leaving."""
        if alive is None or alive.silent or not alive.status or alive.status.get("group") != self.group:
            return False
        return alive.answered_at > alive.left_at + 2 * PROBE_EVERY_SECONDS

    def _sample(self, partitions: tuple[Partition, ...], now: float) -> None:
        """Keep the sums once a second."""
        if self._samples and now - self._samples[-1].at < 0.95:
            return
        end = sum(partition.end for partition in partitions)
        committed = sum(partition.committed or 0 for partition in partitions)
        self._samples.append(Sample(now, end, committed, sum(partition.lag for partition in partitions)))


class _Tail:
    """A client that reads the last records of partitions, again only where there are new ones. It assigns
    by hand and commits nothing: it is no member of the group whose committed offsets it asks for."""

    def __init__(self, config: dict, group: str):
        self._consumer = Consumer(
            config
            | {
                "group.id": group,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 10,
                "fetch.message.max.bytes": 16_384,
                "queued.min.messages": EVENTS_KEPT,
            }
        )
        self._events: dict[int, deque[Event]] = {}
        self._following: dict[int, int] = {}  # partition -> offset after the last one that was read

    def close(self) -> None:
        self._consumer.close()

    def committed(self, numbers: list[int]) -> dict[int, int | None]:
        """Partition -> the group's committed offset, None before its first commit. Raises KafkaException."""
        # AdminClient.list_consumer_group_offsets would do, but librdkafka 2.16 crashes in it when the
        # broker's group coordinator has just moved or is not there yet (OffsetFetch without a group).
        places = [TopicPartition(TOPIC, number) for number in numbers]
        committed = self._consumer.committed(places, timeout=BROKER_SECONDS)
        return {place.partition: place.offset if place.offset >= 0 else None for place in committed}

    def read(self, ends: dict[int, int]) -> dict[int, tuple[Event, ...]]:
        """Partition -> its last events, oldest first, up to the given end offsets."""
        unread = {}
        for number, end in ends.items():
            following = self._following.get(number, 0)
            if end < following:  # the topic was made anew
                self._events.pop(number, None)
                following = 0
            if end > following:
                unread[number] = max(following, end - EVENTS_KEPT)
        if unread:
            self._consumer.assign([TopicPartition(TOPIC, number, start) for number, start in unread.items()])
            deadline = time.monotonic() + READ_SECONDS
            while unread and time.monotonic() < deadline:
                for message in self._consumer.consume(EVENTS_KEPT * len(unread), timeout=0.05):
                    number = message.partition()
                    if not message.error() and message.offset() < ends[number]:
                        self._events.setdefault(number, deque(maxlen=EVENTS_KEPT)).append(_event(message))
                        self._following[number] = message.offset() + 1
                    elif not message.error() or message.error().code() == KafkaError._PARTITION_EOF:
                        self._following[number] = ends[number]  # its last offsets are no records, but transaction marks
                    if self._following.get(number) == ends[number]:
                        unread.pop(number, None)
            self._consumer.unassign()  # what was not read in time is read at the next look
        return {number: tuple(self._events.get(number, ())) for number in ends}


def _event(message) -> Event:
    try:
        like = json.loads(message.value())
        order, ts_ms = like["order"], like["ts_ms"]
        if type(order) is int and type(ts_ms) is int and 0 <= order < 2**63 and 0 <= ts_ms < 2**43:
            return Event(message.offset(), order, ts_ms)
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    return Event(message.offset(), None, None)


def _status_of(client_id: str) -> tuple[str, dict | None]:
    try:
        answer = requests.get(f"http://127.0.0.1:{port_of(client_id)}/status", timeout=PROBE_SECONDS).json()
        return client_id, answer if isinstance(answer, dict) and answer.get("client_id") == client_id else None
    except (requests.RequestException, ValueError):
        return client_id, None
