"""Reads the last records of each partition, and the group's committed offsets, without joining the group."""

import time
from collections import deque

from confluent_kafka import Consumer, Message, TopicPartition

from page.group import Event
from plumbing.kafka import BROKER_SECONDS, client
from plumbing.like import parse_like
from plumbing.offsets import is_of_another
from plumbing.topic import READ_TO_END, at_end

EVENTS_KEPT = 8  # per partition
READ_SECONDS = 0.5  # at most, per look


class Tail:
    """Reads the last records of partitions, and later only new ones. It assigns the partitions to itself and commits
    nothing: it is not a member of the group whose committed offsets it reads."""

    def __init__(self, config: dict, group: str, topic: str):
        self.topic = topic
        own = {"group.id": group, "enable.auto.offset.store": False, "auto.offset.reset": "earliest"}
        small = {"fetch.message.max.bytes": 16_384, "queued.min.messages": EVENTS_KEPT}
        self._consumer = client(Consumer, config | READ_TO_END | own | small)
        self._events: dict[int, deque[Event]] = {}
        self._next: dict[int, int] = {}  # partition -> offset after the last one read

    def close(self) -> None:
        self._consumer.close()

    def committed(self, numbers: list[int], label: str) -> dict[int, int | None]:
        """Partition -> the group's committed offset, None before its first commit for the topic with this label.
        Raises KafkaException."""
        # AdminClient.list_consumer_group_offsets would do, but librdkafka 2.16 crashes in it when the
        # broker's group coordinator has just moved or is not there yet (OffsetFetch without a group).
        partitions = [TopicPartition(self.topic, number) for number in numbers]
        committed = self._consumer.committed(partitions, timeout=BROKER_SECONDS)
        return {p.partition: None if p.offset < 0 or is_of_another(p, label) else p.offset for p in committed}

    def read(self, logs: dict[int, tuple[int, int]]) -> dict[int, tuple[Event, ...]]:
        """Partition -> its latest events, oldest first. `logs` has the first offset of each partition and the one after
        the last."""
        ends = {number: end for number, (_, end) in logs.items()}
        starts = {number: at for number, log in logs.items() if (at := self._start(number, *log)) < log[1]}
        if starts:
            self._consumer.assign([TopicPartition(self.topic, number, start) for number, start in starts.items()])
            self._read_from(starts, ends)
            self._consumer.unassign()
        return {
            number: tuple(event for event in self._events.get(number, ()) if event.offset >= first)
            for number, (first, _) in logs.items()
        }

    def _start(self, number: int, first: int, end: int) -> int:
        """The offset to read from, `end` if there is nothing new."""
        if end < self._next.get(number, 0):  # the topic was recreated
            self._events.pop(number, None)
            del self._next[number]
        return max(self._next.get(number, 0), end - EVENTS_KEPT, first)

    def _read_from(self, starts: dict[int, int], ends: dict[int, int]) -> None:
        # Not plumbing's read_to_end: under load, events arrive faster than a board needs them, so this stops at `ends`
        # and at a deadline. The next look reads the rest.
        unread = set(starts)
        deadline = time.monotonic() + READ_SECONDS
        while unread and time.monotonic() < deadline:
            for message in self._consumer.consume(EVENTS_KEPT * len(unread), timeout=0.05):
                number = message.partition()
                if not message.error() and message.offset() < ends[number]:
                    self._events.setdefault(number, deque(maxlen=EVENTS_KEPT)).append(event_of(message))
                    self._next[number] = message.offset() + 1
                elif not message.error() or at_end(message):
                    self._next[number] = ends[number]  # the last offsets are transaction markers, not records
                if self._next.get(number) == ends[number]:
                    unread.discard(number)


def event_of(message: Message) -> Event:
    try:
        like = parse_like(message.value())
    except ValueError:
        return Event(message.offset(), None, None)
    return Event(message.offset(), like["order"], like["ts_ms"])
