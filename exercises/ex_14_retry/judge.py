"""Judges exercise 14: a like that is refused keeps only its own partition waiting."""

import time
from collections.abc import Callable, Iterator

from exercises.referee import QUIET_SECONDS, Program, Trial, some
from exercises.service import Service
from labs.checks import Goal
from plumbing.waiting import wait_until

PARTITIONS = 4
LIKES = 80
REFUSED = 22  # this order, and so its partition waits
WATCH_SECONDS = 1.0
MOST_CALLS = 12  # of a refused like in a second: the task says ten
DONE_SECONDS = 5.0


def goals(trial: Trial) -> Iterator[Goal]:
    topic = trial.topic(PARTITIONS)
    _write(trial, topic, 1, LIKES // 2)
    service = Service()
    service.refuses = lambda events: any(event["order"] == REFUSED for event in events)
    start = lambda: trial.start(TOPIC=topic, BANK_URL=service.url)  # noqa: E731
    try:
        yield from _while_refused(trial, topic, service, start)
    finally:
        service.close()


def _write(trial: Trial, topic: str, first: int, last: int) -> None:
    trial.write(topic, ({"order": order, "person": f"p{order % PARTITIONS}"} for order in range(first, last + 1)))


def _while_refused(trial: Trial, topic: str, service: Service, start: Callable[[], Program]) -> Iterator[Goal]:
    program = start()
    trial.wait(program, lambda: service.got, "the first like")
    yield trial.goal(True, "the first like is credited")
    trial.look(f"order {REFUSED} is refused: the other partitions go on", "pause() its partition and poll() the others")
    trial.wait(program, lambda: service.refused, f"a call for order {REFUSED}")
    _write(trial, topic, LIKES // 2 + 1, LIKES)  # until then, the others may have been done before it
    others = {order for order in range(1, LIKES + 1) if order % PARTITIONS != REFUSED % PARTITIONS}
    wait_until(lambda: others <= set(service.got) or not program.running, DONE_SECONDS)
    trial.insist_on_running(program)
    missing = others - set(service.got)
    why = f"not done for {DONE_SECONDS:.0f} s: orders {some(missing)}" if missing else "all are done"
    yield trial.goal(not missing, why)
    if missing:
        return

    trial.look("it is tried again, at most ten times a second", "pause() it, and resume() when its time has come")
    before, since = len(service.refused), time.monotonic()
    time.sleep(WATCH_SECONDS)
    wait_until(lambda: len(service.refused) > before or not program.running, DONE_SECONDS)
    trial.insist_on_running(program)
    calls, seconds = len(service.refused) - before, time.monotonic() - since
    yield trial.goal(0 < calls <= MOST_CALLS * seconds, f"{calls} calls in {seconds:.1f} s")

    trial.look("what is behind it in its partition waits", "seek() back to it: an account is credited in order")
    behind = {order for order in service.got if order % PARTITIONS == REFUSED % PARTITIONS and order > REFUSED}
    yield trial.goal(not behind, f"done before it: orders {some(behind)}" if behind else "none was done before it")

    trial.look("kill -9, and then the bank accepts it: nothing is lost", "commit nothing that is not done")
    program.kill()
    service.move()
    early = {event["order"] for event in trial.passed(topic)} - set(service.got)
    service.refuses = lambda _events: False
    trial.next_round(topic)
    program = start()
    missing_now = lambda: set(range(1, LIKES + 1)) - set(service.got) - behind  # noqa: E731
    wait_until(lambda: (not missing_now() and trial.is_at_the_end(topic)) or not program.running, DONE_SECONDS)
    trial.insist_on_running(program)
    lost = missing_now() | early
    yield trial.goal(not lost, f"not done: orders {some(lost)}" if lost else f"all {LIKES}")

    trial.look("each once, and in order", "commit what is done, and go on behind it")
    twice = {order for order, times in service.got.items() if times > 1}
    done = [event["order"] for event in service.done if event["order"] % PARTITIONS == REFUSED % PARTITIONS]
    why = f"twice: orders {some(twice)}" if twice else "in order" if done == sorted(done) else f"in this order: {done}"
    yield trial.goal(not twice and done == sorted(done), why)

    wait_until(lambda: trial.is_at_the_end(topic), QUIET_SECONDS)
    yield trial.committed_all(topic, "commit after each like")
