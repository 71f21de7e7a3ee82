"""The verdicts on the learner's files: a judge has another look at a file that was saved; shared by all visitors."""

import queue
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from exercises import exercises, mine
from labs.checks import Goal
from page.helper import Helper, answers
from plumbing.child import Child

WATCHED_AFTER_SECONDS = 70.0  # browsers let a page that is hidden, as behind an editor, ask once a minute
SETTLED_SECONDS = 0.2  # for which a file must not change: editors write it in several steps
AGAIN_SECONDS = 3.0  # after a problem, such as a broker that is just being started
ANSWER_SECONDS = 300.0


@dataclass(frozen=True)
class Verdict:
    """The verdict on one save of a file. `saved` is its modification time in ns since the epoch and its size in bytes;
    `at` is a time of time.monotonic(), `took` a number of seconds. If the file could not be judged, `problem` says why
    and `hint` what to do."""

    saved: tuple[int, int]
    at: float
    goals: tuple[Goal, ...] = ()
    printed: tuple[str, ...] = ()
    took: float = 0.0
    complete: bool = False
    problem: str = ""
    hint: str = ""

    @property
    def reached(self) -> int:
        return sum(goal.reached for goal in self.goals)


def start_judge(on_line: Callable[[str], None]) -> Child:
    return Child(sys.executable, "-m", "page.exercises.judge", on_line=on_line, reads=True)


class Verdicts(Helper):
    """One judgement at a time. A file that is saved meanwhile is judged after it."""

    unwatched_after = WATCHED_AFTER_SECONDS

    def __init__(self, start: Callable[[Callable[[str], None]], Child] = start_judge):
        super().__init__(start)
        self._files = {number: mine.file_of(exercise) for number, exercise in exercises().items()}
        self._verdicts: dict[int, Verdict] = {}
        self._seen: dict[int, tuple[tuple[int, int], float]] = {}  # how each file was saved, and since when it is so

    def look(self, number: int) -> Verdict | None:
        """The last verdict, or the current one as far as it is known. Has the file judged whenever it is saved."""
        self._look(number)
        return self._verdicts.get(number)

    def _next(self, now: float) -> int | None:
        """The exercise that was looked at last of those whose file was saved."""
        watched = [(at, number) for number, at in list(self._looked_at.items()) if number is not None]
        for at, number in sorted(watched, reverse=True):
            if now - at < WATCHED_AFTER_SECONDS and self._is_due(number, now):
                return number
        return None

    def _is_due(self, number: int, now: float) -> bool:
        saved, last = mine.saved(self._files[number]), self._verdicts.get(number)
        if saved is None:
            self._verdicts.pop(number, None)
            return False
        seen, since = self._seen.get(number, (None, now))
        if seen != saved:
            self._seen[number] = saved, now
            return False
        if last and last.saved == saved:
            return bool(last.problem) and now - last.at > AGAIN_SECONDS
        return now - since >= SETTLED_SECONDS

    def _ask(self, child: Child, number: int, lines: queue.SimpleQueue) -> None:
        began = time.monotonic()
        verdict = Verdict(self._seen[number][0], began)
        before = self._verdicts.get(number)
        if not (before and before.problem):  # which stays until it is known that it is over
            self._verdicts[number] = verdict
        for answer in answers(child, "exercise", number, lines, ANSWER_SECONDS):
            now = time.monotonic()
            verdict = replace(verdict, at=now, took=now - began)
            if goal := answer.get("goal"):
                verdict = replace(verdict, goals=(*verdict.goals, Goal(**goal)))
            else:
                printed = tuple(answer.pop("printed", ()))
                verdict = replace(verdict, complete=True, printed=printed, **answer)
            self._verdicts[number] = verdict
            if verdict.complete:
                return
        hint = f"python run.py exercise check {number}"
        problem = "the judgement has ended unexpectedly"
        self._verdicts[number] = replace(verdict, at=time.monotonic(), complete=True, problem=problem, hint=hint)
