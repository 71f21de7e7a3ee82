"""Each exercise is complete: task, start file, judge, three hints, solution, and its right and wrong programs."""

import re

import pytest

from exercises import exercises
from settings import ROOT

ALL = pytest.mark.parametrize("exercise", exercises().values(), ids=lambda exercise: exercise.name)


@ALL
def test_the_task_fits_on_a_screen(exercise):
    assert len(exercise.task.splitlines()) <= 40
    assert exercise.task.startswith(f"# {exercise.number}. {exercise.title}\n")


@ALL
def test_the_start_file_is_short_and_is_a_program_of_its_own(exercise):
    source = exercise.start.read_text(encoding="utf-8")
    assert len(source.splitlines()) >= 15
    assert len([line for line in source.splitlines() if line.strip()]) <= 40
    for text in (source, exercise.solution):
        compile(text, exercise.name, "exec")
        foreign = set(re.findall(r"^(?:from|import) (labs|plumbing|settings|brokers|exercises)", text, re.MULTILINE))
        assert not foreign


@ALL
def test_there_are_three_hints(exercise):
    assert len(exercise.hints) == 3
    assert all(len(hint) > 40 for hint in exercise.hints)


@ALL
def test_there_are_right_and_wrong_programs(exercise):
    table = (ROOT / "tests" / "exercises" / f"test_ex_{exercise.name}.py").read_text(encoding="utf-8")
    assert "RIGHT = {" in table
    assert "WRONG = {" in table
