"""Judges one file: gives the goals as they are decided."""

import importlib
from collections.abc import Generator
from pathlib import Path

from exercises import Exercise, referee
from labs.checks import Goal

LAST_LINES = 5


class Judgement:
    """Of the file as it is now: it may be saved again meanwhile."""

    def __init__(self, exercise: Exercise, file: Path):
        self.exercise, self.file = exercise, file
        self.source = file.read_bytes()
        self.passed = False  # until all goals are reached
        self.printed: list[str] = []  # the last lines of the program, once the goals are decided

    def goals(self) -> Generator[Goal, None, None]:
        """As they are decided. That the program gets stuck is an open goal, and the last one. To end it early, close
        the iterator. Raises KafkaException."""
        judge = importlib.import_module(f"exercises.{self.exercise.folder.name}.judge")
        reached = []
        with referee.trial_of(self.source, self.file, self.exercise.number) as trial:
            try:
                for goal in judge.goals(trial):
                    reached.append(goal.reached)
                    yield goal
            except referee.Stuck as stuck:
                reached.append(False)
                yield trial.goal(False, f"{stuck}{trial.found()}")
            finally:
                self.printed = [line for line in trial.printed if line.strip()][-LAST_LINES:]
        self.passed = bool(reached) and all(reached)
