"""Judges exercise 17: a program with asyncio answers while it works."""

import socket
import time
from collections.abc import Callable, Iterator

from brokers.ports import free_ports
from exercises.referee import COMMIT_SECONDS, QUIET_SECONDS, Program, Trial, exit_of, some
from exercises.service import Service
from labs.checks import Goal
from plumbing.waiting import wait_until

LIKES = 60
AT_ONCE = 5
FIRST_KILL = 11  # the call from which on mails take their time
ENDS_SECONDS = 3.0  # after Ctrl+C
PINGS = 20
PING_SECONDS = 1.0  # for one; without anything else to do, it takes a millisecond


def goals(trial: Trial) -> Iterator[Goal]:
    topic = trial.topic()
    trial.write(topic, ({"order": order, "person": f"p{order % 7}"} for order in range(1, LIKES + 1)))
    service = Service()
    [port] = free_ports(1)
    start = lambda: trial.start(TOPIC=topic, MAIL_URL=service.url, PORT=str(port))  # noqa: E731
    try:
        yield from _faults(trial, topic, service, port, start)
    finally:
        service.close()


def _faults(trial: Trial, topic: str, service: Service, port: int, start: Callable[[], Program]) -> Iterator[Goal]:
    service.hold_at = FIRST_KILL
    program = start()
    trial.wait(program, lambda: service.got, "the first mail")
    yield trial.goal(True, "the first mail is sent")

    trial.look("it answers while mails are being sent", "await what blocks: asyncio.to_thread, AIOConsumer")
    trial.wait(program, service.holding.is_set, f"mail {FIRST_KILL}")
    answers = _answers(port)
    yield trial.goal(answers == PINGS, f"{answers} of {PINGS} pings" + (" within 1 s each" if answers == PINGS else ""))

    trial.look("five mails at a time", "asyncio.gather")
    wait_until(lambda: len(service.held) >= AT_ONCE, QUIET_SECONDS / 2)
    time.sleep(0.1)  # a sixth would come now
    at_once = len(service.held)
    yield trial.goal(at_once == AT_ONCE, f"{at_once} at a time")

    trial.look("kill -9 in the middle of these: nothing is lost", "commit when all that come before are sent")
    early = lambda: {event["order"] for event in trial.passed(topic)} - set(service.got)  # noqa: E731
    wait_until(early, COMMIT_SECONDS)
    program.kill()
    lost = early()
    service.go_on()
    why = f"committed, but their mail was not sent: orders {some(lost)}" if lost else "no offset was ahead of its mail"
    yield trial.goal(not lost, why)

    trial.look("another one sends the rest", "commit while it runs: otherwise a crash sends everything again")
    trial.next_round(topic)
    program = start()
    missing = lambda: set(range(1, LIKES + 1)) - set(service.got) - lost  # noqa: E731
    trial.wait(program, lambda: not missing(), lambda: f"mails for orders {some(missing())}")
    wait_until(lambda: trial.is_at_the_end(topic), QUIET_SECONDS)
    again = len(service.calls) - LIKES - AT_ONCE
    yield trial.goal(again <= 2 * AT_ONCE, f"all {LIKES}, {max(again, 0)} of them again")
    yield trial.committed_all(topic, "commit the last five, too")

    trial.look("Ctrl+C ends it", "let KeyboardInterrupt end asyncio.run()")
    code = program.interrupt(ENDS_SECONDS)
    yield trial.goal(code is not None, exit_of(code))


def _answers(port: int) -> int:
    """How many pings of some are answered; it gives up after the first that is not."""
    for number in range(PINGS):
        try:
            with socket.create_connection(("127.0.0.1", port), PING_SECONDS) as connection:
                connection.sendall(b"ping\n")
                if b"pong" not in connection.recv(100):
                    return number
        except OSError:
            return number
    return PINGS
