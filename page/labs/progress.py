"""What is reached in the labs: asked from a checker while somebody looks, remembered for all visitors."""

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from labs import checks
from labs.checks import Goal
from plumbing.child import Child

UNWATCHED_AFTER_SECONDS = 15.0  # without a look; then the checker ends
WATCHED_AFTER_SECONDS = 3.0
PAUSE_SECONDS = 0.3  # between two checks of a lab that somebody has asked to see; more if a check takes longer,
LONGEST_PAUSE_SECONDS = 2.0  # but not if it took as long because the broker did not respond
ALL_EVERY_SECONDS = 15.0
SHARE_OF_TIME = 20  # the labs that nobody has asked for take one part in so many of the checker's time
AGAIN_SECONDS = 3.0  # after a problem: a topic that was just being created, say
ANSWER_SECONDS = 120.0
END_SECONDS = 5.0


@dataclass(frozen=True)
class State:
    """The goals of a lab at a time of time.monotonic(). If they are not known then, `problem` says why and `hint` what
    to do, and the goals are the last known ones, if any. `took` is in seconds."""

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


class Progress:
    """Costs nothing until somebody looks, and again once nobody does."""

    def __init__(self, start: Callable[[Callable[[str], None]], Child] = start_checker):
        self._start = start
        self._states: dict[int, State] = {}
        self._looked_at: dict[int | None, float] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def known(self) -> dict[int, State]:
        """What was found when somebody looked last; asks for nothing."""
        return dict(self._states)

    def look(self, lab: int | None = None) -> dict[int, State]:
        """What is known of each lab. Asks for news: of `lab` again and again, of the others now and then."""
        with self._lock:
            self._looked_at[None] = self._looked_at[lab] = time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
        return self.known()

    def _run(self) -> None:
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        checker = self._start(lines.put)
        try:
            while self._is_watched():
                lab = self._next(time.monotonic())
                if lab is None:
                    time.sleep(0.1)
                    continue
                started = time.monotonic()
                found = _answer(checker, lab, lines)
                now = time.monotonic()
                if "problem" in found and lab in self._states:
                    found["goals"] = self._states[lab].goals  # the last known ones
                self._states[lab] = State(now, now - started, **found)
                if not checker.running:
                    _end(checker)
                    time.sleep(PAUSE_SECONDS)
                    checker = self._start(lines.put)
        finally:
            _end(checker)

    def close(self) -> None:
        """End the checker, and wait for that."""
        with self._lock:
            self._closed, thread = True, self._thread
        if thread:
            thread.join(ANSWER_SECONDS)

    def _is_watched(self) -> bool:
        with self._lock:
            unwatched = time.monotonic() - self._looked_at[None]
            if unwatched < UNWATCHED_AFTER_SECONDS and not self._closed:
                return True
            self._thread = None
            return False

    def _next(self, now: float) -> int | None:
        """The lab to check now: one that is watched, one of which nothing is known, or the one that waits longest."""
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


def _end(checker: Child) -> None:
    """It ends with its input; by force if it waits for a broker."""
    with contextlib.suppress(OSError):
        if checker.process.stdin:
            checker.process.stdin.close()
    try:
        checker.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        checker.kill()


def _answer(checker: Child, lab: int, lines: queue.SimpleQueue) -> dict:
    """What the checker finds out about the lab, as fields of a `State`."""
    give_up_at = time.monotonic() + ANSWER_SECONDS
    try:
        checker.type(str(lab))
        while checker.running and time.monotonic() < give_up_at:
            try:
                answer = json.loads(lines.get(timeout=0.5))
            except (queue.Empty, ValueError):  # a line of librdkafka's log
                continue
            if isinstance(answer, dict) and answer.pop("lab", None) == lab:
                return answer | {"goals": tuple(Goal(**goal) for goal in answer.get("goals", ()))}
    except OSError:  # it has ended
        pass
    if checker.running:
        checker.kill()
    return {"problem": "the check has ended unexpectedly", "hint": f"python run.py check {lab}"}
