"""Judges exercise 16: each like exactly once in the second topic."""

import json
from collections import Counter
from collections.abc import Callable, Iterator

from confluent_kafka import Producer

from exercises.referee import Program, Trial, some
from exercises.service import Service
from labs.checks import Goal
from plumbing.kafka import client_config
from plumbing.waiting import wait_until

LIKES = 6  # written before each fault
SOON = 3  # calls from then on, until the service holds one
TWIN_SECONDS = 10.0
NAME = "scores"  # the transactional.id; on the broker it has the prefix of the trial
END_SECONDS = 2.0  # that a program gets to end because of the fault


def goals(trial: Trial) -> Iterator[Goal]:
    trial.defaults["Consumer"] = {"fetch.wait.max.ms": 20}  # or each new member reads half a second later
    topic, scores = trial.topic(), trial.topic(name="scores")
    service = Service()
    start = lambda: trial.start(TOPIC=topic, SCORES=scores, SCORE_URL=service.url, TRANSACTIONAL_ID=NAME)  # noqa: E731
    try:
        yield from _faults(trial, Scores(trial, topic, scores), service, start)
    finally:
        service.close()


def _faults(trial: Trial, scores: "Scores", service: Service, start: Callable[[], Program]) -> Iterator[Goal]:
    scores.write()
    program = start()
    trial.wait(program, scores.found, "the first score")
    yield trial.goal(True, "the first score is there")

    trial.look("kill -9 while it waits for a score: each like once", "what is not committed is read again")
    scores.write_and_hold(service)
    trial.wait(program, service.holding.is_set, "a call for a score")
    program.kill()
    service.go_on()
    yield scores.in_the_end(program := scores.restart(program, start))

    following = "send_offsets_to_transaction: the offset in the same transaction"
    trial.look("thrown out of the group while it waits: each like once", following)
    scores.write_and_hold(service)
    trial.wait(program, service.holding.is_set, "a call for a score")
    trial.throw_out(program)
    service.finish()
    yield scores.in_the_end(program := scores.going_on(program, start))

    trial.look("a twin starts while it waits: each like once", following)
    scores.write_and_hold(service)
    trial.wait(program, service.holding.is_set, "a call for a score")
    _start_twin(program)
    service.finish()
    yield scores.in_the_end(program := scores.going_on(program, start))

    yield trial.committed_all(scores.topic, "the offset of the next record: offset + 1")
    program.interrupt()


class Scores:
    """What readers of the second topic see, against what is in the first one."""

    def __init__(self, trial: Trial, topic: str, scores: str):
        self._trial, self.topic, self._scores = trial, topic, scores
        self._likes = 0
        self._told: set[int] = set()  # orders that a goal has already reported

    def write(self) -> None:
        new = range(self._likes + 1, self._likes + LIKES + 1)
        self._trial.write(self.topic, [{"order": order, "person": f"p{order % 7}"} for order in new])
        self._likes += LIKES

    def write_and_hold(self, service: Service) -> None:
        """More likes; the service holds one of the next calls."""
        service.hold_at = len(service.calls) + SOON
        self.write()

    def found(self) -> Counter:
        """Order -> how often it is there, for readers of what is committed."""
        records = self._trial.read(self._scores, "read_committed")
        return Counter(order for record in records if (order := _order_of(record.value())))

    def restart(self, program: Program, start: Callable[[], Program]) -> Program:
        _start_twin(program)  # as the next one will: what is pending is committed or aborted then
        self._trial.next_round(self.topic)
        return start()

    def going_on(self, program: Program, start: Callable[[], Program]) -> Program:
        """The same, or another one if it ends because of what has happened."""
        if wait_until(lambda: not program.running, END_SECONDS):
            return self.restart(program, start)
        return program

    def in_the_end(self, program: Program) -> Goal:
        """Each like once, when nothing new comes any more. Raises `Stuck` if the program ends."""
        is_right = lambda: not self._wrong()[0] and self._trial.is_at_the_end(self.topic)  # noqa: E731
        self._trial.settle(is_right, lambda: self.found().total(), program, topic=self.topic)
        missing, twice = self._wrong()
        if not missing and not twice:
            self._trial.insist_on_running(program)
        self._told |= missing | twice
        why = f"missing: orders {some(missing)}" if missing else f"all {self._likes}"
        return self._trial.goal(not missing and not twice, why + (f"; twice: orders {some(twice)}" if twice else ""))

    def _wrong(self) -> tuple[set[int], set[int]]:
        """Orders that are missing, and those that are there twice."""
        found = self.found()
        missing = set(range(1, self._likes + 1)) - set(found)
        twice = {order for order, times in found.items() if times > 1}
        return missing - self._told, twice - self._told


def _start_twin(program: Program) -> None:
    """A producer with the transactional.id of this program, if it has one, which is fenced by that."""
    for name in program.transactional_ids:
        twin = Producer(client_config() | {"transactional.id": name})
        twin.list_topics(timeout=TWIN_SECONDS)  # without a connection, it asks for its coordinator 0.5 s later
        twin.init_transactions(TWIN_SECONDS)


def _order_of(value: bytes | None) -> int:
    """0 for what is not a like."""
    try:
        return int(json.loads(value or b"")["order"])
    except (ValueError, TypeError, KeyError):
        return 0
