"""Checks labs in a separate process, so that the board does not wait: reads lab numbers, writes one answer per line.

    python -m page.labs.checker
    1
    {"lab": 1, "goals": [{"what": "the topic likes", "reached": true, "why": "3 partitions", "next": "..."}, ...]}

or {"lab": 1, "problem": "localhost:9092 does not answer: ...", "hint": "..."}. It ends when its input does, and so with
the page.
"""

import json
import sys
from dataclasses import asdict

from confluent_kafka import KafkaException

import settings
from labs import checks, secured
from labs.evidence import Evidence
from plumbing import Problem


def main() -> None:
    act_as_admin()
    for line in sys.stdin:
        print(json.dumps({"lab": int(line), **answer(int(line))}), flush=True)


def act_as_admin() -> None:
    """As `python run.py check` does, even if run.py made the page log in as the learner."""
    if secured.is_running() and str(secured.properties_of("learner")) == settings.CLIENT_CONFIG:
        settings.CLIENT_CONFIG = ""
    secured.act_as("admin")


def answer(number: int) -> dict:
    """The current state of the lab's goals, or why it is unknown."""
    try:
        return {"goals": [asdict(goal) for goal in checks.goals(number, Evidence())]}
    except KafkaException as error:
        return unanswered(error)
    except Problem as problem:
        return {"problem": str(problem), "hint": problem.hint}
    except ModuleNotFoundError:  # the labs need more packages than the page
        where = "in the container of this page" if settings.IN_CONTAINER else "installed yet"
        return {"problem": f"the packages of this lab are not {where}", "hint": f"python run.py check {number}"}


def unanswered(error: KafkaException) -> dict:
    what = f"{settings.BOOTSTRAP_SERVERS} does not answer: {error.args[0].str()}"
    start = settings.START_KAFKA or "python run.py in a terminal"
    return {"problem": what, "hint": f"{start}; this page then continues by itself"}


if __name__ == "__main__":
    main()
