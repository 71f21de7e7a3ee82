"""The progress in the labs: a checker asks for it while somebody looks; shared by all visitors."""

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

UNWATCHED_AFTER_SECONDS = 15.0  # if nobody has looked for this long, the checker ends
WATCHED_AFTER_SECONDS = 3.0
PAUSE_SECONDS = 0.3  # between checks of a lab that somebody watches; more if a check takes longer,
LONGEST_PAUSE_SECONDS = 2.0  # but not because the broker did not respond
ALL_EVERY_SECONDS = 15.0
SHARE_OF_TIME = 20  # labs that nobody watches get 1/20 of the checker's time
AGAIN_SECONDS = 3.0  # after a problem, such as a topic that was just being created
ANSWER_SECONDS = 120.0
END_SECONDS = 5.0


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


class Progress:
    """Costs nothing while nobody looks."""

    def __init__(self, start: Callable[[Callable[[str], None]], Child] = start_checker):
        self._start = start
        self._states: dict[int, State] = {}
        self._looked_at: dict[int | None, float] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def known(self) -> dict[int, State]:
        """The results of the last look; asks for nothing."""
        return dict(self._states)

    def look(self, lab: int | None = None) -> dict[int, State]:
        """What is known about each lab. Has `lab` checked continuously, and the others now and then."""
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
        """End the checker, and wait for its end."""
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


def _end(checker: Child) -> None:
    """Close its input, which ends it; by force if it waits for a broker."""
    with contextlib.suppress(OSError):
        if checker.process.stdin:
            checker.process.stdin.close()
    try:
        checker.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        checker.kill()


def _answer(checker: Child, lab: int, lines: queue.SimpleQueue) -> dict:
    """What the checker finds out about the lab, as fields of `State`."""
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
