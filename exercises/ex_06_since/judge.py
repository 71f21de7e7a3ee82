"""Judges exercise 6: the likes since a point in time, without reading the older ones."""

import json
import random
import re
import time
from collections.abc import Iterator
from itertools import count

from exercises.referee import QUIET_SECONDS, Program, Trial, exit_of, some
from labs.checks import Goal
from plumbing.waiting import wait_until

OLD, NEW = (300, 300, 0, 0), (40, 0, 40, 0)  # likes in each partition
LATER = 5  # in each
TRIES = 2  # on a busy computer, the client may look up the end of a partition only after the first ones
MOST_RECORDS = 100  # that it may read without printing them
MINUTE_MS = 60_000


def goals(trial: Trial) -> Iterator[Goal]:
    topic = trial.topic(len(OLD))
    since = time.time_ns() // 1_000_000 - 10 * MINUTE_MS
    orders = count(random.randint(1_000_000, 5_000_000))  # no year, and no milliseconds
    likes = {"old": set(), "new": set(), "later": set()}

    def write(what: str, numbers: tuple[int, ...], at_ms: int, step_ms: int) -> None:
        for partition, number in enumerate(numbers):
            for place in range(number):
                order = next(orders)
                likes[what].add(order)
                value = json.dumps({"order": order, "person": f"p{order % 7}"})
                trial.produce(topic, value, None, partition, timestamp=at_ms + place * step_ms)
        trial.flush()

    write("old", OLD, since - MINUTE_MS, MINUTE_MS // max(OLD))  # the last one is just before
    write("new", NEW, since, 1000)  # the first one is of this very millisecond
    program = trial.start(TOPIC=topic, SINCE=str(since))
    trial.look("it prints the likes since then", "offsets_for_times, and that very millisecond counts, too")
    missing = lambda what: likes[what] - _printed(program)  # noqa: E731
    trial.wait(program, lambda: not missing("new"), lambda: f"a line for orders {some(missing('new'))}")
    yield trial.goal(True, f"all {len(likes['new'])}")

    trial.look("then those that come in, from each partition", "assign a partition that has none, too: at its end")
    before: set[int] = set()
    for _ in range(TRIES):
        before.update(likes["later"])
        write("later", (LATER,) * len(OLD), since + 10 * MINUTE_MS, 1)
        wait_until(lambda: not missing("later") - before or not program.running, QUIET_SECONDS)
        trial.insist_on_running(program)
        if not (lost := missing("later") - before):
            break
    yield trial.goal(not lost, f"not orders {some(lost)}" if lost else f"all {LATER * len(OLD)}")

    trial.look("and no older ones", "what is before SINCE does not count")
    old = likes["old"] & _printed(program)
    yield trial.goal(not old, f"orders {some(old)}" if old else "none")

    trial.look(f"it has read at most {MOST_RECORDS} others", "begin at the offset: do not read and leave out")
    others = program.records - len(likes["new"] | likes["later"])
    yield trial.goal(others <= MOST_RECORDS, f"{max(others, 0)} of {len(likes['old'])} old ones")
    trial.look("Ctrl+C ends it", "close() in a finally")
    code = program.interrupt()
    yield trial.goal(code in (0, 130), exit_of(code))


def _printed(program: Program) -> set[int]:
    return {int(number) for line in list(program.lines) for number in re.findall(r"\d+", line)}
