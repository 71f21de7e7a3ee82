"""Clicks on running programs while something goes wrong, and the count at the end.

Acknowledged is what was answered 201. The group's lines and Kafka's log are held against that: nothing acknowledged is
missing, nothing is in the log twice unless another like was refused, and a like that was logged twice had a new owner
in between.
"""

import itertools
import json
import re
import threading
import time
import uuid
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass

import requests
from confluent_kafka import Consumer, TopicPartition

from brokers.ports import free_ports
from plumbing.kafka import client_config
from tests.programs import LIKE_LOGGED, PATIENCE, ROOT, Program, consumer, expect_no_traceback, producer, wait_until

TOPIC = "likes"
FIGURES = ROOT / "test-results" / "reliability.jsonl"


class Clicks:
    """Threads that click until `stop`, each again when its click was answered and `pause` seconds have passed."""

    def __init__(self, url: str, clients: int = 4, pause: float = 0.05):
        self.acknowledged: list[dict] = []
        self.refused: Counter[tuple[int, str]] = Counter()  # status, what was said -> clicks that were answered so
        self.unanswered = 0  # clicks whose connection broke: the producer was away
        self.url, self.pause = url, pause
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._click) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _click(self) -> None:
        session = requests.Session()
        while not self._over.wait(self.pause):
            try:
                answer = session.post(f"{self.url}/like", timeout=30)
            except requests.RequestException:
                self.unanswered += 1
                continue
            if answer.status_code == 201:
                self.acknowledged.append(answer.json())
            else:
                self.refused[answer.status_code, answer.text.strip()] += 1
        session.close()

    def wait_for_more(self, count: int, seconds: float = PATIENCE) -> None:
        """Wait for this many more acknowledged likes."""
        before, wanted = self._answers(), len(self.acknowledged) + count
        try:
            wait_until(lambda: len(self.acknowledged) >= wanted, f"{count} more likes", seconds)
        except AssertionError as late:
            raise AssertionError(f"{late}\nbefore: {before}\nnow: {self._answers()}") from late

    def _answers(self) -> str:
        refused = ", ".join(f"{count} times {answer}" for (_, answer), count in self.refused.copy().items())
        return f"{len(self.acknowledged)} acknowledged; {self.unanswered} unanswered; refused: {refused or 'none'}"

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


@dataclass
class Tally:
    """The result of a trial."""

    name: str
    faults: int
    acknowledged: int
    refused: int  # 503, or no answer: the user knows that it failed
    lost: int
    logged_twice: int


class Trial:
    """The producer and three consumers of a new group on `servers`; `faults` counts what was done to them."""

    def __init__(self, servers: str, name: str, clients: int = 4, pause: float = 0.05):
        self.servers = servers
        self.group = f"trial-{uuid.uuid4().hex[:8]}"
        *self.member_ports, self.producer_port = sorted(free_ports(4))
        self.processes: list[Program] = []  # also those that have ended
        self.members: dict[int, Program] = {}
        self.start_producer()
        self.begin(name, clients, pause)

    def begin(self, name: str, clients: int = 4, pause: float = 0.05) -> None:
        """Start what does not run, and click. What was logged before does not count."""
        self.name, self.faults, self.finished = name, 0, False
        self._before = {process: len(process.lines) for process in self.processes}
        if not self.producer.running:
            self.start_producer()
        for number in {*range(3)} - self.members.keys():
            self.start_member(number)
        self.producer.wait_until_it_answers()
        for number, member in self.members.items():
            member.wait_for_status(lambda status, number=number: status["assignment"] == [number])
        self.clicks = Clicks(self.producer.url, clients, pause)

    def start_member(self, number: int) -> None:
        self.members[number] = consumer(self.servers, self.group, self.member_ports[number])
        self.processes.append(self.members[number])

    def kill_member(self, number: int) -> None:
        self.faults += 1
        self.members.pop(number).process.kill()

    def stop_member(self, number: int) -> None:
        self.faults += 1
        member = self.members.pop(number)
        member.wait_for("^Consumer on ")  # before, while Python imports, Ctrl+C ends it with Python's own words
        assert member.interrupt() == 0

    def start_producer(self) -> None:
        """Also after a kill or a stop, on the same port."""
        self.producer = producer(self.servers, self.producer_port)
        self.processes.append(self.producer)

    def kill_producer(self) -> None:
        self.faults += 1
        self.producer.kill()

    def logged(self) -> dict[int, list[tuple[int, int]]]:
        """Order -> (process, line) of each time that the group logged it."""
        found = defaultdict(list)
        for number, process in enumerate(self.processes):
            before = self._before.get(process, 0)
            for line_number, line in enumerate(list(process.lines)[before:], before):
                if match := LIKE_LOGGED.fullmatch(line):
                    found[int(match["order"])].append((number, line_number))
        return found

    def finish(self, twice=True) -> Tally:
        """Stop clicking and count. `twice=False`: nothing that happened excuses that a like is logged twice."""
        self.clicks.stop()
        acknowledged = {like["order"] for like in self.clicks.acknowledged}
        assert len(acknowledged) == len(self.clicks.acknowledged), "an order was acknowledged twice"
        try:
            wait_until(lambda: acknowledged <= self.logged().keys(), "all acknowledged likes logged", 60)
        except AssertionError as late:
            raise AssertionError(self._missing(acknowledged)) from late
        logged = self.logged()
        log = read_log(self.servers)
        written = Counter(log.values())
        refused = self.clicks.refused.total() + self.clicks.unanswered
        rewritten = {order for order in acknowledged if written[order] > 1}
        assert refused or not rewritten, f"in the log twice, and no like was given up: {sorted(rewritten)[:20]}"
        repeated = {order: places for order, places in logged.items() if len(places) > max(written[order], 1)}
        unexplained = [order for order, places in repeated.items() if not self._had_another_owner(places)]
        assert not unexplained, f"logged twice with no rebalance in between: {unexplained[:20]}"
        assert twice or not repeated, f"logged twice: {sorted(repeated)[:20]}"
        for like in self.clicks.acknowledged:
            assert log[like["partition"], like["offset"]] == like["order"]
        for process in self.processes:
            expect_no_traceback(process.lines)
        assert {status for status, _ in self.clicks.refused} <= {503}
        lost = len(acknowledged - logged.keys())
        tally = Tally(self.name, self.faults, len(acknowledged), refused, lost, len(repeated))
        print(tally)
        FIGURES.parent.mkdir(exist_ok=True)
        with FIGURES.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(tally)) + "\n")
        self.finished = True
        return tally

    def _missing(self, acknowledged: set[int]) -> str:
        """Which likes the group has not logged, and where they are in the log."""
        missing = sorted(acknowledged - self.logged().keys())
        log = {order: place for place, order in read_log(self.servers).items()}
        places = [f"order {order} at (partition, offset) {log.get(order, 'nowhere')}" for order in missing[:20]]
        head = f"{len(missing)} of {len(acknowledged)} acknowledged likes not logged by {self.group}:"
        return "\n".join([head, *places])

    def _had_another_owner(self, places: list[tuple[int, int]]) -> bool:
        """Between any two times of the same process it was assigned its partitions again."""
        for (process, line), (other, later) in itertools.pairwise(places):
            between = self.processes[process].lines[line:later]
            if process == other and not any(text.startswith("Assigned: ") for text in between):
                return False
        return True

    def close(self) -> None:
        self.clicks.stop()
        for process in self.processes:
            process.kill()
            lines = list(process.lines)
            for line in [*lines[:15], *lines[15:][-15:]]:  # pytest shows them if the test has failed
                print(f"{process.url}: {line}")


def read_log(servers: str) -> dict[tuple[int, int], int]:
    """(partition, offset) -> order of everything in the topic, read by an independent client."""
    reader = Consumer(client_config(servers) | {"group.id": uuid.uuid4().hex, "enable.auto.commit": False})
    log = {}
    try:
        partitions = reader.list_topics(TOPIC, timeout=20).topics[TOPIC].partitions
        ends = {p: reader.get_watermark_offsets(TopicPartition(TOPIC, p), timeout=20) for p in partitions}
        reader.assign([TopicPartition(TOPIC, p, low) for p, (low, _high) in ends.items()])
        wanted = sum(high - low for low, high in ends.values())
        deadline = time.monotonic() + PATIENCE
        while len(log) < wanted:
            assert time.monotonic() < deadline, f"{len(log)} of {wanted} records"
            for record in reader.consume(1000, 1.0):
                assert record.error() is None, record.error()
                order = re.match(rb'\{"order": (\d+)', record.value() or b"")
                log[record.partition(), record.offset()] = int(order[1]) if order else 0
        return log
    finally:
        reader.close()
