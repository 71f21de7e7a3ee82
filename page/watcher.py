"""Watches a consumer group: asks the broker and the consumers for its state, and remembers its rebalances.

The broker describes the group (describe_consumer_groups) and its offsets (list_offsets, committed). The cost of a
look does not grow with the topic: only the last few records of a partition are read, and only if there are new ones.

    watcher = GroupWatcher(client_config(), "likes-ui")
    watcher.start()
    watcher.snapshot().partitions[0].owner      # "consumer-5002"
"""

import logging
import threading
import time
from collections import deque
from dataclasses import replace

from confluent_kafka import ConsumerGroupState, KafkaException

from page.group import Member, Partition, Rebalance, Sample, Snapshot, port_of
from page.look import Cluster, Look
from page.processes import Processes
from plumbing import Problem
from plumbing.kafka import BROKER_SECONDS
from plumbing.waiting import wait_until
from settings import TOPIC

LOOK_EVERY_SECONDS = 0.25  # while a page is open
LOOK_UNWATCHED_SECONDS = 1.0  # while no page is open
UNWATCHED_AFTER_SECONDS = 5.0
SAMPLE_EVERY_SECONDS = 0.95  # once a second, allowing for jitter
REBALANCES_KEPT = 50
SAMPLES_KEPT = 300
SETTLED = (ConsumerGroupState.STABLE, ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD)

log = logging.getLogger("page")


class GroupWatcher:
    """Looks at one group repeatedly, in a thread of its own.

    config          settings of a client, in librdkafka's names
    expected_ports  ports of the consumers to show even before they join the group

    Raises InvalidSettings.
    """

    def __init__(self, config: dict, group: str, expected_ports: range = range(0)):
        self.group = group
        self._cluster = Cluster(config, group, TOPIC)
        # Client id -> the state to show while it is not in the group.
        self._absent = {f"consumer-{port}": "not started" for port in expected_ports}
        self._processes = Processes(expected=self._absent)
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
        self._cluster.close()

    def snapshot(self) -> Snapshot:
        """The latest state; costs nothing."""
        self._read_at = time.monotonic()
        return self._snapshot

    def look_now(self, seconds: float) -> None:
        """Return when a look that started after this call is complete, or after `seconds`."""
        asked = time.monotonic()
        self._hurry.set()
        wait_until(lambda: self._snapshot.tick >= asked, seconds, pause=0.01)

    def groups(self) -> list[str]:
        """Names of all groups of the cluster; empty if the broker does not answer."""
        return self._cluster.groups()

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
            look = self._cluster.look()
            self._ask_processes(look)
            self._note_rebalance(look)
            events = self._cluster.events(look)
        except (Problem, KafkaException) as error:
            problem = error if isinstance(error, Problem) else self._cluster.problem(error.args[0])
            if isinstance(error, KafkaException):  # the broker has not answered
                self._cluster.reconnect()
            what, hint = problem.sentences()
            return replace(self._snapshot, problem=what, hint=hint)
        partitions = tuple(
            Partition(
                number,
                end,
                committed=look.committed.get(number),
                owner=look.owners.get(number),
                events=events.get(number, ()),
                start=look.starts[number],
            )
            for number, end in sorted(look.ends.items())
        )
        self._take_sample(partitions, look.tick)
        return Snapshot(
            at=at,
            tick=look.tick,
            problem="",
            partitions=partitions,
            members=self._members(look),
            rebalances=tuple(self._rebalances),
            samples=tuple(self._samples),
        )

    def _ask_processes(self, look: Look) -> None:
        for client_id in filter(port_of, look.clients.values()):
            self._absent[client_id] = "left"  # until a rebalance shows how it left
        self._processes.probe(self._absent, look.clients.values(), look.tick)

    def _note_rebalance(self, look: Look) -> None:
        """Record a rebalance if the group has settled with different members or owners."""
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
        for name in filter(port_of, left):  # other clients have no process to ask
            self._absent[name] = self._how_it_left(name, look.tick)
            if name in self._processes:
                self._processes[name].left_at = look.tick
            if self._processes.forget_stranger(name):
                del self._absent[name]
        for name in filter(port_of, joined):
            self._processes.forget_stranger(name)  # another process may have the name now
        cause = tuple(causes) or ("the partitions or the subscription changed",)
        self._rebalances.append(Rebalance(time.time(), cause, before.owners, look.owners, without_owner))

    def _longest_gap(self, look: Look) -> float:
        """The longest time without an owner, in seconds, among partitions that have one again as of this look."""
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
        """The members of the group, then known clients that are not in it, both ordered by port."""
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
        committed = sum(min(partition.committed or 0, partition.end) for partition in partitions)
        self._samples.append(Sample(now, end, committed, sum(partition.lag for partition in partitions)))
