"""What the pages of the exercises show and remember, without a broker and without a browser."""

import contextlib
import json
import sys
import time
from functools import partial
from types import SimpleNamespace

import pytest
import streamlit as st

from exercises import exercises, mine
from exercises.referee import Stuck
from labs.checks import Goal
from page.exercises import exercise, judge
from page.exercises.verdicts import Verdict, Verdicts
from plumbing import Problem
from plumbing.child import Child
from tests.programs import wait_until

FIRST, SECOND = exercises()[1], exercises()[2]
OPEN = {"what": "one event", "reached": False, "why": "there is none", "next": "flush()"}
JUDGE = f"""
import json, sys, time
from pathlib import Path
for number in map(int, sys.stdin):
    def write(**part):
        print(json.dumps({{"exercise": number, **part}}), flush=True)
    with Path(sys.argv[1]).open("a") as log:
        print("begin", number, file=log)
    print("%3|1734721501|FAIL|rdkafka#producer-1| a line of librdkafka's log")
    write(goal={OPEN})
    while Path(sys.argv[1]).with_name("hold").exists():
        time.sleep(0.02)
    with Path(sys.argv[1]).open("a") as log:
        print("end", number, file=log)
    """
ENDS = 'write(printed=["hello"])'


class Judges:
    """Starts judges that run this code instead of asking a broker."""

    def __init__(self, folder, last: str):
        self.log, self.hold, self.last = folder / "log", folder / "hold", last
        self.started: list[Child] = []

    def __call__(self, on_line):
        self.started.append(Child(sys.executable, "-uc", JUDGE + self.last, str(self.log), on_line=on_line, reads=True))
        return self.started[-1]

    @property
    def told(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The learner's, empty."""
    monkeypatch.setattr(mine, "FOLDER", tmp_path / "mine")
    return tmp_path / "mine"


@pytest.fixture
def started(tmp_path):
    """`started(last)`: verdicts of judges that end so, and the judges."""
    with contextlib.ExitStack() as ends:

        def start(last: str = ENDS) -> tuple[Verdicts, Judges]:
            judges = Judges(tmp_path, last)
            return ends.enter_context(contextlib.closing(Verdicts(judges))), judges

        yield start


def complete(verdicts: Verdicts, number: int) -> Verdict:
    def found() -> Verdict | None:
        verdict = verdicts.look(number)
        return verdict if verdict and verdict.complete else None

    return wait_until(found, "a verdict")


def test_a_file_is_judged_once_until_it_is_saved_again(started):
    verdicts, judges = started()
    assert verdicts.look(1) is None
    time.sleep(0.5)
    assert judges.told == [], "there is no file"
    mine.begin(FIRST)
    first = complete(verdicts, 1)
    assert (first.goals, first.printed, first.problem) == ((Goal(**OPEN),), ("hello",), "")
    time.sleep(0.5)
    assert verdicts.look(1) is first
    mine.file_of(FIRST).write_text("another", encoding="utf-8")
    wait_until(lambda: complete(verdicts, 1) is not first, "another verdict")
    assert judges.told == ["begin 1", "end 1"] * 2
    assert len(judges.started) == 1


def test_goals_are_shown_as_they_are_decided_and_a_save_meanwhile_is_judged_afterwards(started):
    verdicts, judges = started()
    mine.begin(FIRST)
    mine.begin(SECOND)
    judges.hold.touch()
    verdict = wait_until(lambda: (seen := verdicts.look(1)) and seen.goals and seen, "a goal")
    assert not verdict.complete
    assert exercise.in_words(verdict) == "Judging ..."
    mine.file_of(FIRST).write_text("another", encoding="utf-8")
    verdicts.look(2)  # in another tab
    time.sleep(0.5)
    assert judges.told == ["begin 1"], "one at a time"
    judges.hold.unlink()
    wait_until(lambda: verdicts.look(1) and len(judges.told) == 6, "three judgements")
    assert sorted(judges.told[2::2]) == ["begin 1", "begin 2"]
    assert judges.told[3].split()[1] == judges.told[2].split()[1]


def test_a_file_that_is_deleted_has_no_verdict(started):
    verdicts, _judges = started()
    mine.begin(FIRST)
    complete(verdicts, 1)
    mine.file_of(FIRST).unlink()
    wait_until(lambda: verdicts.look(1) is None, "no verdict")


def test_a_judge_that_dies_is_reported_and_replaced(started, monkeypatch):
    monkeypatch.setattr("page.exercises.verdicts.AGAIN_SECONDS", 0.5)
    verdicts, judges = started("sys.exit(3)")
    mine.begin(FIRST)
    verdict = complete(verdicts, 1)
    assert verdict.problem == "the judgement has ended unexpectedly"
    assert verdict.hint == "python run.py exercise check 1"
    judges.last = ENDS
    wait_until(lambda: not complete(verdicts, 1).problem, "a verdict on the same file")


def test_a_problem_is_looked_at_again_and_shown_until_then(started, monkeypatch):
    monkeypatch.setattr("page.exercises.verdicts.AGAIN_SECONDS", 0.3)
    verdicts, judges = started('write(problem="no broker", hint="start it")')
    mine.begin(FIRST)
    verdict = complete(verdicts, 1)
    assert (verdict.problem, verdict.hint) == ("no broker", "start it")
    assert exercise.in_words(verdict) == "It is judged as soon as that is over."
    wait_until(lambda: verdicts.look(1) and len(judges.told) >= 4, "another look")


@pytest.fixture
def judged(monkeypatch):
    """Makes the judge of exercise 1 find this, on a broker that answers; gives what is written."""

    def answers(*goals, problem=None) -> list[dict]:
        def found(_trial):
            for goal in goals:
                if isinstance(goal, Exception):
                    raise goal
                yield goal

        monkeypatch.setattr(judge, "broker_problem", lambda _servers: problem)
        monkeypatch.setattr(judge, "_sweep", lambda: None)
        monkeypatch.setattr("exercises.ex_01_first_event.judge.goals", found)
        trial = SimpleNamespace(printed=["", "one", "two"], goal=partial(Goal, "it"), found=lambda: "")
        monkeypatch.setattr("exercises.verdict.referee.trial_of", lambda *_arguments: contextlib.nullcontext(trial))
        return json.loads(json.dumps(list(judge.answers(1))))

    return answers


def test_what_the_judge_writes_and_what_is_remembered(judged):
    mine.begin(FIRST)
    assert judged(Goal("a", True, "b")) == [
        {"goal": {"what": "a", "reached": True, "why": "b", "next": ""}},
        {"printed": ["one", "two"]},
    ]
    assert mine.done() == {1}
    answers = judged(Goal("a", True, "b"), Stuck("it ended"))
    assert [answer["goal"]["reached"] for answer in answers[:2]] == [True, False]
    assert mine.done() == set()


def test_what_cannot_be_judged_says_what_to_type(judged):
    mine.begin(FIRST)
    problem = Problem("no broker answers on localhost:9092", "start it: python run.py")
    assert judged(problem=problem) == [
        {"problem": "no broker answers on localhost:9092", "hint": "start it: python run.py"}
    ]
    mine.file_of(FIRST).unlink()
    [answer] = judged(Goal("a", True, "b"))
    assert answer["problem"].startswith("your file cannot be judged: ")
    assert mine.done() == set()


@pytest.mark.parametrize("change", [mine.begin, exercise._judge_again, exercise._start_over])
@pytest.mark.parametrize(("host", "changed"), [("localhost:8501", True), ("evil.example", False)])
def test_a_button_changes_the_file_and_nothing_under_another_host_name(monkeypatch, host, changed, change):
    told = []
    monkeypatch.setattr(st, "toast", lambda text, icon: told.append(text))
    monkeypatch.setattr(st, "context", SimpleNamespace(headers={"Host": host}))
    exercise._change(1, change)
    assert mine.file_of(FIRST).exists() == changed
    assert bool(told) != changed


def test_a_verdict_in_words():
    goals = Goal("", True, ""), Goal("", False, "")
    assert exercise.in_words(None) == "Judging ..."
    saved = int(time.mktime((2026, 1, 31, 14, 5, 9, 0, 0, -1))) * 10**9
    verdict = Verdict((saved, 0), 0, goals, took=2.04, complete=True)
    assert exercise.in_words(verdict) == "1 of 2 reached in the file saved at 14:05:09, 2.0 s"
