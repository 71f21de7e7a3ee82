"""The tests' broker for the judges, and a judge."""

import re

import pytest

from exercises.verdict import Judgement


@pytest.fixture
def broker(kafka, monkeypatch) -> str:
    """It is that of this process, too."""
    monkeypatch.setattr("settings.BOOTSTRAP_SERVERS", kafka)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka)
    return kafka


@pytest.fixture
def goals_of(broker, tmp_path):
    """`goals_of(exercise, source)`: the goals of a program."""

    def judge(exercise, source: str) -> list:
        file = tmp_path / f"{exercise.name}.py"
        file.write_text(source, encoding="utf-8")
        return list(Judgement(exercise, file).goals())

    return judge


@pytest.fixture
def judge(goals_of):
    """`judge(case)`: fails if the verdict is wrong, or does not give its reason."""

    def judge_case(case) -> None:
        goals = goals_of(case.exercise, case.source)
        told = "\n".join(f"{'done' if goal.reached else 'not yet'} {goal.what}: {goal.why}" for goal in goals)
        missed = "\n".join(f"{goal.what}: {goal.why}" for goal in goals if not goal.reached)
        assert bool(missed) == (case.reason is not None), told
        assert re.search(case.reason or "", missed, re.DOTALL), told

    return judge_case
