"""Judges exercise 10: poison records go into a dead letter queue, whole, and none is lost."""

from collections.abc import Callable, Iterator
from itertools import count

from confluent_kafka import Message

from exercises.referee import COMMIT_SECONDS, QUIET_SECONDS, Program, Trial, some
from exercises.service import Service
from labs.checks import Goal
from plumbing.waiting import wait_until

PARTITIONS = 3
LIKES = 30  # in a round
POISON = (  # (value, key)
    (b'{"order": 7, "person": "an', b"ann"),  # cut off
    (b"\xff\xfe\x00binary", b"\x00\x01"),
    (b'["not", "an", "object"]', b"ben"),
    (b'{"order": "seven", "person": "cem"}', None),
    (None, b"dia"),  # a tombstone
    (b"", b"eve"),
)


def goals(trial: Trial) -> Iterator[Goal]:
    topic, letters = trial.topic(PARTITIONS), trial.topic(1, "dead-letters")
    service = Service()
    start = lambda: trial.start(TOPIC=topic, DEAD_LETTERS=letters, COUNT_URL=service.url)  # noqa: E731
    try:
        yield from _faults(trial, Log(trial, topic, letters), service, start)
    finally:
        service.close()


def _faults(trial: Trial, log: "Log", service: Service, start: Callable[[], Program]) -> Iterator[Goal]:
    log.write()
    program = start()
    trial.wait(program, lambda: service.got, "the first like")
    yield trial.goal(True, "the first like is counted")

    trial.look("all likes are counted, whatever is between them", "catch the ValueError of parse")
    trial.wait(program, lambda: not log.uncounted(service), lambda: f"orders {some(log.uncounted(service))}")
    yield trial.goal(True, f"all {LIKES}")

    trial.look(f"the {len(POISON)} others are in the dead letter queue", "produce() and flush() in the except")
    wait_until(lambda: not log.missing() or not program.running, QUIET_SECONDS, 0.1)
    missing = log.missing()
    yield trial.goal(not missing, f"missing: {', '.join(map(_shown, missing))}" if missing else "whole")
    if len(missing) == len(POISON):
        return
    trial.look("with the headers reason and origin", 'headers={"reason": ..., "origin": ...}')
    yield trial.goal(*log.headers())
    trial.insist_on_running(program)

    trial.look("the queue refuses a record: its offset is not committed", "look at the error in the delivery report")
    trial.refuse(log.letters)
    log.write(with_likes=False)
    _until_it_has_tried(trial, log, program)
    early = log.lost()
    program.kill()
    why = "its offset is committed, but it is in no topic" if early else "it waits, or ended, with the offset before it"
    yield trial.goal(not early, f"{', '.join(map(_shown, early))}: {why}" if early else why)

    trial.look("in the end nothing is missing", "what failed is read again, and goes into the queue then")
    trial.accept(log.letters)
    log.write()
    trial.next_round(log.topic)
    program = start()
    trial.settle(
        lambda: not log.missing() and not log.uncounted(service) and trial.is_at_the_end(log.topic),
        lambda: len(service.calls),
        program,
        topic=log.topic,
    )
    program.interrupt()
    lost = [record for record in log.missing() if record not in early]
    why = (
        f"likes: {some(log.uncounted(service)) or 'all counted'}; dead letters: {', '.join(map(_shown, lost)) or 'all'}"
    )
    yield trial.goal(not lost and not log.uncounted(service), why)
    yield trial.committed_all(log.topic, "commit the offset of a record that was set aside, too")


class Log:
    """What is in the topic, and what must become of it."""

    def __init__(self, trial: Trial, topic: str, letters: str):
        self.topic, self.letters = topic, letters
        self._trial = trial
        self._orders = count(1)
        self._poison: dict[str, tuple[bytes | None, bytes | None]] = {}  # origin -> value, key

    def write(self, with_likes: bool = True) -> None:
        """In turns a few likes and a poison record."""
        for number, (value, key) in enumerate(POISON if with_likes else POISON[:PARTITIONS]):
            for _ in range(LIKES // len(POISON) if with_likes else 0):
                self._trial.write(self.topic, [{"order": next(self._orders), "person": f"p{number}"}])
            events = self._trial.topics[self.topic][number % PARTITIONS]
            self._poison[f"{self.topic}/{number % PARTITIONS}/{len(events)}"] = value, key
            events.append({})
            self._trial.produce(self.topic, value, key, number % PARTITIONS)
        self._trial.flush()

    def uncounted(self, service: Service) -> set[int]:
        """The orders of likes that the service has not got."""
        orders = {event["order"] for events in self._trial.topics[self.topic] for event in events if event}
        return orders - set(service.got)

    def missing(self) -> list[str]:
        """The origins of poison records that are not in the queue as often as in the topic, with value and key."""
        found = [(letter.value(), letter.key()) for letter in self._letters()]
        return [origin for origin, record in self._poison.items() if not _take(found, record)]

    def lost(self) -> list[str]:
        """Those that are missing, and whose offset is committed."""
        committed = self._trial.committed(self.topic)
        places = {origin: tuple(map(int, origin.split("/")[1:])) for origin in self.missing()}
        return [origin for origin, (partition, offset) in places.items() if offset < committed[partition]]

    def headers(self) -> tuple[bool, str]:
        """True if each letter has the right ones; and what is wrong with the first that does not."""
        for letter in self._letters():
            has = {name: value or b"" for name, value in letter.headers() or []}
            origin = has.get("origin", b"").decode(errors="replace")
            if self._poison.get(origin) != (letter.value(), letter.key()):
                return False, f"the origin of {letter.value()} is {origin or 'missing'}: not topic/partition/offset"
            if not has.get("reason"):
                return False, f"{_shown(origin)} has no reason"
        return True, "each has them"

    def _letters(self) -> list[Message]:
        return self._trial.read(self.letters)


def _take(found: list, record: tuple) -> bool:
    if record not in found:
        return False
    found.remove(record)
    return True


def _shown(origin: str) -> str:
    """`likes/2/41`, without the prefix of the trial."""
    return "likes/" + origin.partition("/")[2]


def _until_it_has_tried(trial: Trial, log: Log, program: Program) -> None:
    """Until it has read the new records, or has ended; and has had the time to commit them."""
    wait_until(lambda: trial.all_read(log.topic, program) or not program.running, QUIET_SECONDS)
    wait_until(log.lost, COMMIT_SECONDS, 0.1)
