"""Right and wrong programs of an exercise: most are its solution with a few lines changed.

A program is its whole text, or a list of (old, new) that turn the solution into it. By default the solution, the start
file and the first two wrong programs are judged; with --all the others, too.
"""

from dataclasses import dataclass

import pytest

from exercises import Exercise, exercises

Program = str | list[tuple[str, str]]
SOME_WRONG = 2


@dataclass(frozen=True)
class Case:
    """A program, and what an open goal must say: a regular expression; None for a program that must pass."""

    exercise: Exercise
    name: str
    source: str
    reason: str | None


def cases(number: int, start: str, right: dict[str, Program], wrong: dict[str, tuple[Program, str]]) -> list:
    """Parameters of a test. `start` is the reason of the start file; `wrong` has the program and its reason."""
    exercise = exercises()[number]
    always = [
        Case(exercise, "solution", exercise.solution, None),
        Case(exercise, "start", exercise.start.read_text(encoding="utf-8"), start),
    ]
    all_wrong = [Case(exercise, name, source_of(exercise, one), reason) for name, (one, reason) in wrong.items()]
    all_right = [Case(exercise, name, source_of(exercise, one), None) for name, one in right.items()]
    rest = all_wrong[SOME_WRONG:] + all_right
    return [pytest.param(case, id=case.name) for case in always + all_wrong[:SOME_WRONG]] + [
        pytest.param(case, id=case.name, marks=pytest.mark.repeats) for case in rest
    ]


def source_of(exercise: Exercise, program: Program) -> str:
    """Its text. Fails if the solution has no such lines any more."""
    if isinstance(program, str):
        return program
    source = exercise.solution
    for old, new in program:
        assert old in source, f"the solution of {exercise.name} does not have {old!r}"
        source = source.replace(old, new)
    return source
