"""The number of each like, `order`: it goes on from the end of the log, and a second producer does not go unnoticed."""

import logging
from collections import Counter

from confluent_kafka import Message

from plumbing.kafka import Unavailable
from plumbing.like import parse_like
from plumbing.topic import Topic

TAIL = 100  # records at the end of each partition in which the last order is looked for

log = logging.getLogger("orders")


class Orders:
    """Gives out the numbers of the likes in a topic."""

    def __init__(self, topic: Topic):
        self._topic = topic
        self._last: int | None = None  # None until the log was read
        self._ends = Counter()  # partition -> its end, once our likes are in it and if nobody else writes
        self._must_read_log = True

    def take(self, count: int, unconfirmed: int) -> range:
        """The next numbers, while so many likes are not confirmed yet. Raises `Unavailable`."""
        if self._must_read_log:
            try:
                self._read_log(unconfirmed)
            except Unavailable:
                if self._last is None:
                    raise
            self._must_read_log = False
        self._last += count
        return range(self._last - count + 1, self._last + 1)

    def _read_log(self, unconfirmed: int) -> None:
        last, ends = end_of_log(self._topic)  # other clicks wait here, too
        if not self._must_read_log:  # one of them was faster, and counts since
            return
        if self._last and self._last < last:
            log.warning("Another producer numbers likes, too: two of them can have the same order. Stop one.")
        self._last = max(last, self._last or 0)
        self._ends = Counter({partition: end + unconfirmed for partition, end in ends.items()})

    def note_handed_over(self, count: int, partition: int) -> None:
        self._ends[partition] += count

    def look_for_others(self, delivered: Message) -> None:
        """Read the log again before the next like if somebody else has written to it: perhaps likes."""
        partition = delivered.partition()
        if delivered.key() is not None:  # only now it is known which partition the key has chosen
            self._ends[partition] += 1
        if delivered.offset() >= self._ends[partition]:
            self._must_read_log = True


def end_of_log(topic: Topic) -> tuple[int, Counter]:
    """The largest `order` at the end of the log, 0 if it is empty, and partition -> its end. Raises `Unavailable`."""
    orders, ends = Counter(), Counter()
    for record in topic.tail(TAIL):
        partition = record.partition()
        orders[partition] = max(orders[partition], order_of(record))
        ends[partition] = record.offset() + 1
    # Where no record is a like, those before them are unknown. There are not more likes than records.
    floor = ends.total() if 0 in orders.values() else 0
    return max(floor, *orders.values(), 0), ends


def order_of(record: Message) -> int:
    """The record's `order`, 0 if it is not a like: anyone can write to a topic."""
    try:
        order = parse_like(record.value())["order"]
    except ValueError:
        return 0
    return order if order < 2**62 else 0
