"""Judges exercise 13: a group does not wait for the work of one of its members."""

import time
from collections.abc import Callable, Iterator

from exercises.referee import COMMIT_SECONDS, Program, Trial, some
from exercises.service import Service
from labs.checks import Goal
from plumbing.waiting import wait_until

PARTITIONS = 4
LIKES = 8
JOIN_SECONDS = 4.0  # for the second instance: it needs less than one


def goals(trial: Trial) -> Iterator[Goal]:
    topic = trial.topic(PARTITIONS)
    trial.write(topic, ({"order": order} for order in range(1, LIKES + 1)))
    service = Service()
    start = lambda: trial.start(TOPIC=topic, VIDEO_URL=service.url)  # noqa: E731
    try:
        yield from _with_two(trial, topic, service, start)
    finally:
        service.close()


def _with_two(trial: Trial, topic: str, service: Service, start: Callable[[], Program]) -> Iterator[Goal]:
    service.hold_at = 1
    first = start()
    trial.wait(first, service.holding.is_set, "the first video")
    yield trial.goal(True, "the first video is begun, and takes its time")

    trial.look("nothing is committed before its video is made", "commit when the job is done")
    early = lambda: {event["order"] for event in trial.passed(topic)} - set(service.got)  # noqa: E731
    wait_until(early, COMMIT_SECONDS)
    found = early()
    yield trial.goal(not found, f"committed, but not made: orders {some(found)}" if found else "no offset was ahead")

    trial.look("one video after the other", "pause() what it reads, so that it takes one like at a time")
    at_once = len(service.held)
    yield trial.goal(at_once == 1, f"it works on {at_once} at once" if at_once > 1 else "it works on one")

    trial.look("meanwhile a second instance gets its partitions", "call poll() while you work: the group waits for it")
    second = start()
    began = time.monotonic()
    wait_until(lambda: _own(trial) or not (first.running and second.running), JOIN_SECONDS)
    trial.insist_on_running(first)
    trial.insist_on_running(second)
    joined = _own(trial)
    took = f"{time.monotonic() - began:.1f} s"
    yield trial.goal(joined, f"after {took}" if joined else f"it has had none for {took}, as long as the video takes")
    trial.wait(second, lambda: len(service.held) > 1, "the second instance's first video")

    trial.look("all videos are made", "what poll() returns must not be dropped, and an error in the thread not be lost")
    service.finish()
    is_done = lambda: len(service.got) == LIKES and trial.is_at_the_end(topic)  # noqa: E731
    trial.settle(is_done, lambda: len(service.calls), first, second, topic=topic)
    trial.insist_on_running(first)
    missing = set(range(1, LIKES + 1)) - set(service.got)
    yield trial.goal(not missing, f"missing: orders {some(missing)}" if missing else f"all {LIKES}")

    trial.look("at most one of them twice", "take no more likes than you work on: the others belong to the next owner")
    twice = {order for order, times in service.got.items() if times > 1}
    yield trial.goal(len(twice) <= 1, f"twice: orders {some(twice)}" if twice else "none")

    wait_until(lambda: trial.is_at_the_end(topic), COMMIT_SECONDS)
    yield trial.committed_all(topic, "commit each like once its video is made")


def _own(trial: Trial) -> bool:
    """True if two members own partitions."""
    owned = [partitions for _, partitions in trial.members()]
    return len(owned) == 2 and all(owned)
