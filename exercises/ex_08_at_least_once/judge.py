"""Judges exercise 8: a mail for each like, at least once."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace

from exercises.referee import COMMIT_SECONDS, END_SECONDS, Program, Trial, some
from exercises.service import Service
from labs.checks import Goal
from plumbing.waiting import wait_until

LIKES = 240
MOST_AT_ONCE = 100  # likes that the program may commit together
FIRST_KILL, SECOND_KILL = 30, 150  # calls of the service
SOON = 20  # calls from the start of a round to its fault


def goals(trial: Trial) -> Iterator[Goal]:
    topic = trial.topic()
    trial.write(topic, ({"order": order, "person": f"p{order % 7}"} for order in range(1, LIKES + 1)))
    service = Service()
    start = lambda: trial.start(TOPIC=topic, MAIL_URL=service.url)  # noqa: E731
    try:
        yield from _faults(trial, topic, service, start)
    finally:
        service.close()


def _faults(trial: Trial, topic: str, service: Service, start: Callable[[], Program]) -> Iterator[Goal]:
    lost: set[int] = set()  # orders that a goal has already reported
    service.hold_at = FIRST_KILL
    program = start()
    trial.wait(program, lambda: service.got, "the first mail")
    yield trial.goal(True, f"the first of {LIKES} mails was sent")

    trial.look("kill -9 in the middle of a mail loses nothing", "commit after the mail")
    trial.wait(program, service.holding.is_set, f"mail {FIRST_KILL}")
    wait_until(lambda: _early(trial, topic, service) - lost, COMMIT_SECONDS, 0.05)
    program.kill()
    yield _nothing_is_early(trial, _early(trial, topic, service), lost)
    service.go_on()

    trial.look("it resumes where it was", "commit while it runs: otherwise a crash sends everything again")
    service.hold_at, service.done_before_hold = len(service.calls) + SECOND_KILL - FIRST_KILL, True
    trial.next_round(topic)
    program = start()
    trial.wait(program, service.holding.is_set, f"mail {SECOND_KILL}")
    wait_until(lambda: trial.passed(topic), COMMIT_SECONDS, 0.05)
    program.kill()
    service.go_on()
    passed = len(trial.passed(topic))
    yield trial.goal(passed > 0, f"{passed} likes were committed when {len(service.calls)} mails had been sent")

    trial.look("Ctrl+C in the middle of a mail loses nothing", "what ends the program commits nothing that is not done")
    service.hold_at = len(service.calls) + SOON
    trial.next_round(topic)
    program = start()
    trial.wait(program, service.holding.is_set, f"{SOON} more mails")
    _interrupt(program, service)
    yield _nothing_is_early(trial, _early(trial, topic, service), lost)

    trial.look("the mail service answers 503 once: each like gets its mail", "a mail that failed is not done")
    service.refuse_once(len(service.calls) + SOON)
    for _ in range(2):  # what the program does not handle ends it, and something starts it again
        trial.next_round(topic)
        program = start()
        trial.settle(lambda: len(service.got) == LIKES, lambda: len(service.calls), program, topic=topic)
        if program.running:
            break
    wait_until(lambda: trial.is_at_the_end(topic), COMMIT_SECONDS, 0.05)
    program.interrupt()
    missing = set(range(1, LIKES + 1)) - set(service.got) - lost
    twice = sum(times > 1 for times in service.got.values())
    why = f"{len(service.got)} of {LIKES}, {twice} of them more than once"
    yield trial.goal(not missing, why + (f"; missing: orders {some(missing)}" if missing else ""))

    goal = trial.committed_all(topic, "the committed offset is that of the next event: offset + 1")
    committed = trial.committed(topic)
    left = [end - committed[partition] for partition, end in trial.ends(topic).items()]
    is_rest = 0 < sum(left) < MOST_AT_ONCE and set(left) != {1}  # of a batch that is not full yet
    yield replace(goal, reached=goal.reached or is_rest)


def _early(trial: Trial, topic: str, service: Service) -> set[int]:
    """Orders that are committed although their mail was not sent."""
    return {event["order"] for event in trial.passed(topic)} - set(service.got)


def _nothing_is_early(trial: Trial, early: set[int], lost: set[int]) -> Goal:
    early -= lost
    lost |= early
    why = (
        f"committed, but their mail was not sent: orders {some(early)}" if early else "no offset was ahead of its mail"
    )
    return trial.goal(not early, why)


def _interrupt(program: Program, service: Service) -> None:
    """Ctrl+C while the service holds a mail, whose connection then breaks off: a thread may still wait for it."""
    program.ask_to_stop()
    wait_until(lambda: not program.running, COMMIT_SECONDS)
    service.go_on()
    try:
        program.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        program.kill()
