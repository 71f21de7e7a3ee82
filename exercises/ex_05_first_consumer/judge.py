"""Judges exercise 5: a consumer that survives silence, and leaves its group."""

import random
import re
from collections.abc import Iterator

from exercises.referee import Program, Trial, exit_of, some
from labs.checks import Goal
from plumbing.waiting import wait_until

LIKES = 30
PEOPLE = ("ann", "ben", "cem", "dia")
SILENCE_SECONDS = 2.5  # at most: until poll() has returned None, if it ever does
LEAVE_SECONDS = 1.0


def goals(trial: Trial) -> Iterator[Goal]:
    topic = trial.topic()
    first = random.randint(1000, 5000)
    likes = [{"order": first + number, "person": PEOPLE[number % 7 % 4]} for number in range(2 * LIKES)]
    trial.write(topic, likes[:LIKES])
    trial.longest_poll = 1.0  # a longer one must not hide the silence
    program = trial.start(TOPIC=topic)
    trial.look("it prints a line for each like", "print order and person, in a line for each")
    trial.wait(program, lambda: not _missing(program, likes[:LIKES]), lambda: _told(program, likes[:LIKES]))
    yield trial.goal(True, f"all {LIKES}")

    trial.look("it survives a silence", "poll() returns None if nothing has come: look at that first")
    wait_until(lambda: program.silences or not program.running, SILENCE_SECONDS)
    trial.write(topic, likes[LIKES:])
    wait_until(lambda: not _missing(program, likes) or not program.running, 5)
    if _missing(program, likes):
        trial.wait(program, lambda: False, lambda: _told(program, likes), 0)
    yield trial.goal(True, f"it also printed the {LIKES} that came later")

    trial.look("Ctrl+C ends it", "let KeyboardInterrupt end the loop: a bare `except:` catches it, too")
    code = program.interrupt()
    yield trial.goal(code is not None, exit_of(code))
    if code is None:
        return
    trial.look("with exit code 0 or 130", "nothing else may go wrong while it ends")
    yield trial.goal(code in (0, 130), f"exit code {code}" + ("" if code in (0, 130) else f": {program.last_words}"))

    trial.look("it has left its group", "close() the consumer however the loop ends, in a finally")
    wait_until(lambda: not trial.members(), LEAVE_SECONDS)
    members = len(trial.members())
    why = "still a member, and would keep its partitions until session.timeout.ms has passed (45 s by default)"
    yield trial.goal(not members, why if members else "the group has no member any more")


def _missing(program: Program, likes: list[dict]) -> list[int]:
    """Orders without a line."""
    words = [re.findall(r"\d+|[a-z]+", line) for line in list(program.lines)]
    printed = {(number, word) for line in words for number in line for word in line}
    return [like["order"] for like in likes if (str(like["order"]), like["person"]) not in printed]


def _told(program: Program, likes: list[dict]) -> str:
    return f"a line for each like; none for orders {some(_missing(program, likes))}"
