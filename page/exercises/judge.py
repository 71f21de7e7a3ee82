"""Judges exercises in a separate process: reads their numbers, and writes each goal as it is decided.

    python -m page.exercises.judge
    1
    {"exercise": 1, "goal": {"what": "one event", "reached": false, "why": "there is none", "next": "..."}}
    {"exercise": 1, "printed": ["the last lines of the program"]}

or {"exercise": 1, "problem": "no broker answers on localhost:9092", "hint": "start it: ..."}. When its input ends, and
so with the page, it ends the judgement and leaves nothing behind.
"""

import _thread
import contextlib
import functools
import json
import queue
import signal
import sys
import threading
from collections.abc import Generator
from dataclasses import asdict

from confluent_kafka import KafkaException

import settings
from exercises import exercises, mine, referee
from exercises.verdict import Judgement
from page.labs.checker import act_as_admin, unanswered
from plumbing import Problem
from plumbing.kafka import broker_problem


def main() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where it was ignored, as after `nohup`
    act_as_admin()
    numbers: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        threading.Thread(target=_read, args=[numbers], daemon=True).start()
        while number := numbers.get():
            with contextlib.closing(answers(number)) as parts:
                for part in parts:
                    print(json.dumps({"exercise": number, **part}), flush=True)


def _read(numbers: queue.SimpleQueue) -> None:
    for line in sys.stdin:
        numbers.put(int(line))
    _thread.interrupt_main()  # a judgement, unless it is cleaning up
    numbers.put(None)


def answers(number: int) -> Generator[dict, None, None]:
    """What is found out about the learner's file, as it is now."""
    exercise = exercises()[number]
    try:
        if problem := broker_problem(settings.BOOTSTRAP_SERVERS):
            raise problem
        _sweep()
        judgement = Judgement(exercise, mine.file_of(exercise))
        with contextlib.closing(judgement.goals()) as goals:
            for goal in goals:
                yield {"goal": asdict(goal)}
        mine.record(exercise, judgement.source, judgement.passed)
        yield {"printed": judgement.printed}
    except KafkaException as error:
        yield unanswered(error)
    except Problem as problem:
        yield {"problem": str(problem), "hint": problem.hint}
    except OSError as error:
        yield {"problem": f"your file cannot be judged: {error}", "hint": "save it again"}


@functools.cache  # once
def _sweep() -> None:
    with contextlib.suppress(KafkaException):
        referee.sweep()


if __name__ == "__main__":
    main()
