"""The progress in the labs: a checker asks for it while somebody looks; shared by all visitors."""

import queue
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from labs import checks
from labs.checks import Goal
from page.helper import Helper, answers
from plumbing.child import Child

WATCHED_AFTER_SECONDS = 3.0
PAUSE_SECONDS = 0.3  # between checks of a lab that somebody watches; more if a check takes longer,
LONGEST_PAUSE_SECONDS = 2.0  # but not because the broker did not respond
ALL_EVERY_SECONDS = 15.0
SHARE_OF_TIME = 20  # labs that nobody watches get 1/20 of the checker's time
AGAIN_SECONDS = 3.0  # after a problem, such as a topic that was just being created
ANSWER_SECONDS = 120.0


@dataclass(frozen=True)
class State:
    """The goals of a lab at a time (time.monotonic()). If they are unknown, `problem` says why and `hint` what to do,
    and the goals are the last known ones, if any. `took` is in seconds."""

    at: float
    took: float
    goals: tuple[Goal, ...] = ()
    problem: str = ""
    hint: str = ""

    @property
    def reached(self) -> int:
        return sum(goal.reached for goal in self.goals)

    @property
    def done(self) -> bool:
        return bool(self.goals) and self.reached == len(self.goals)


def start_checker(on_line: Callable[[str], None]) -> Child:
    return Child(sys.executable, "-m", "page.labs.checker", on_line=on_line, reads=True)


class Progress(Helper):
    def __init__(self, start: Callable[[Callable[[str], None]], Child] = start_checker):
        super().__init__(start)
        self._states: dict[int, State] = {}

    def known(self) -> dict[int, State]:
        """The results of the last look; asks for nothing."""
        return dict(self._states)

    def look(self, lab: int | None = None) -> dict[int, State]:
        """What is known about each lab. Has `lab` checked continuously, and the others now and then."""
        self._look(lab)
        return self.known()

    def _ask(self, child: Child, number: int, lines: queue.SimpleQueue) -> None:
        started = time.monotonic()
        found = _answer(child, number, lines)
        now = time.monotonic()
        if "problem" in found and number in self._states:
            found["goals"] = self._states[number].goals  # the last known ones
        self._states[number] = State(now, now - started, **found)

    def _next(self, now: float) -> int | None:
        """The next lab to check: one that is watched, one that is unknown, or the one that has waited longest."""
        for lab, at in list(self._looked_at.items()):
            if lab is not None and now - at < WATCHED_AFTER_SECONDS:
                state = self._states.get(lab)
                pause = max(PAUSE_SECONDS, min(state.took, LONGEST_PAUSE_SECONDS)) if state else 0.0
                if state is None or now - state.at > pause:
                    return lab
        for lab in checks.pages():
            if lab not in self._states:
                return lab
        cost = sum(state.took for state in self._states.values())
        for lab, state in self._states.items():
            if state.problem and now - state.at > AGAIN_SECONDS:
                return lab
        lab = min(self._states, key=lambda lab: self._states[lab].at)
        return lab if now - self._states[lab].at > max(ALL_EVERY_SECONDS, SHARE_OF_TIME * cost) else None


def _answer(checker: Child, lab: int, lines: queue.SimpleQueue) -> dict:
    """What the checker finds out about the lab, as fields of `State`."""
    for answer in answers(checker, "lab", lab, lines, ANSWER_SECONDS):
        return answer | {"goals": tuple(Goal(**goal) for goal in answer.get("goals", ()))}
    return {"problem": "the check has ended unexpectedly", "hint": f"python run.py check {lab}"}
