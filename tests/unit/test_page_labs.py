"""What the pages of the labs show and remember, without a broker and without a browser."""

import contextlib
import json
import sys
import time
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import requests
import streamlit as st

from labs import FOLDER, blocks, checks
from labs.blocks import Block, LabPage, Section
from labs.checks import Goal
from page.labs import checker, commands, index, words
from page.labs.commands import Output
from page.labs.goals import icon_of, in_words
from page.labs.progress import Progress, State
from plumbing import Problem
from plumbing.child import Child
from tests.programs import wait_until

ANSWERS = """
import json, sys
for line in sys.stdin:
    print("%3|1734721501|FAIL|rdkafka#producer-1| a line of librdkafka's log")
    {what}
"""
GOAL = '{"what": "w", "reached": int(line) == 1, "why": "y", "next": ""}'
GOALS = f'print(json.dumps({{"lab": int(line), "goals": [{GOAL}]}}))'


class Checkers:
    """Starts checkers that run this code instead of asking a broker."""

    def __init__(self, what: str):
        self.code = ANSWERS.replace("{what}", what)
        self.started: list[Child] = []

    def __call__(self, on_line):
        self.started.append(Child(sys.executable, "-uc", self.code, on_line=on_line, reads=True))
        return self.started[-1]


@pytest.fixture
def started():
    """Starts a Progress on these checkers; its thread ends with the test."""
    with contextlib.ExitStack() as ends:
        yield lambda checkers: ends.enter_context(contextlib.closing(Progress(checkers)))


def test_all_labs_are_checked_once_somebody_looks(started):
    checkers = Checkers(GOALS)
    progress = started(checkers)
    assert progress.known() == {}
    assert not checkers.started
    states = wait_until(lambda: len(progress.look()) == len(checks.pages()) and progress.look(), "all labs")
    assert states[1].done and states[1].reached == 1
    assert not states[2].done and states[2].reached == 0
    assert len(checkers.started) == 1


def test_a_lab_that_is_watched_is_checked_again_and_again(started):
    progress = started(Checkers(GOALS))
    wait_until(lambda: len(progress.look(2)) == len(checks.pages()), "all labs")
    before = progress.known()
    wait_until(lambda: progress.look(2)[2].at > before[2].at, "a newer state")
    assert progress.known()[1] is before[1]


def test_a_problem_leaves_the_goals_and_is_looked_at_again(started):
    checkers = Checkers(f"{GOALS}; sys.exit(3)")  # one answer, then another checker is started
    progress = started(checkers)
    wait_until(lambda: progress.look(1).get(1) and progress.look(1)[1].goals, "goals")
    checkers.code = ANSWERS.replace("{what}", "sys.exit(3)")
    state = wait_until(lambda: progress.look(1)[1].problem and progress.look(1)[1], "a problem")
    assert (state.problem, state.hint) == ("the check has ended unexpectedly", "python run.py check 1")
    assert state.done, "the last known goals"
    checkers.code = ANSWERS.replace("{what}", GOALS)
    wait_until(lambda: not progress.look(1)[1].problem, "no problem")


def test_one_slow_check_does_not_make_the_next_one_late():
    """As when a program of lab 5 has suspended the broker for seconds."""
    progress = Progress(Checkers(GOALS))
    now = time.monotonic()
    progress._looked_at = {None: now, 5: now}
    goals = (Goal("", False, ""),)
    progress._states = {lab: State(now - 2.5, 12.0 if lab == 5 else 0.1, goals) for lab in checks.pages()}
    assert progress._next(now) == 5
    progress._states[5] = State(now - 0.5, 12.0, goals)
    assert progress._next(now) is None


def test_the_checker_ends_when_nobody_looks_and_comes_back(monkeypatch, started):
    monkeypatch.setattr(Progress, "unwatched_after", 0.2)
    checkers = Checkers(GOALS)
    progress = started(checkers)
    progress.look()
    wait_until(lambda: checkers.started and not checkers.started[0].running, "its end")
    known = progress.known()
    progress.look()
    wait_until(lambda: len(checkers.started) == 2, "another checker")
    assert progress.known().keys() >= known.keys()


@pytest.mark.parametrize("module", ["page.labs.checker", "page.exercises.judge"])
def test_what_checks_and_judges_ends_with_the_page(module):
    program = Child(sys.executable, "-m", module, on_line=print, reads=True)
    program.process.stdin.close()
    assert program.wait(60) == 0


@pytest.mark.parametrize(
    ("error", "problem", "hint"),
    [
        (Problem("the broker is somewhere else", "type this"), "the broker is somewhere else", "type this"),
        (ModuleNotFoundError("fastavro"), "the packages of this lab are not installed yet", "python run.py check 8"),
    ],
)
def test_what_cannot_be_checked_says_why(monkeypatch, error, problem, hint):
    monkeypatch.setattr(checker, "Evidence", lambda: None)
    monkeypatch.setattr(checker.checks, "goals", Mock(side_effect=error))
    assert json.loads(json.dumps(checker.answer(8))) == {"problem": problem, "hint": hint}


def test_the_checker_is_an_admin_even_if_the_page_is_a_learner(monkeypatch, tmp_path):
    acted = []
    monkeypatch.setattr(checker.secured, "is_running", lambda: True)
    monkeypatch.setattr(checker.secured, "properties_of", lambda user: tmp_path / user)
    monkeypatch.setattr(checker.secured, "act_as", acted.append)
    for given, left in ((str(tmp_path / "learner"), ""), ("of-the-user", "of-the-user")):
        monkeypatch.setattr(checker.settings, "CLIENT_CONFIG", given)
        checker.act_as_admin()
        assert left == checker.settings.CLIENT_CONFIG
    assert acted == ["admin", "admin"]


@pytest.fixture
def pressed(monkeypatch):
    """Presses a button of a page's lab; gives what was sent to run.py, and what the visitor was told."""
    seen = SimpleNamespace(sent=[], told=[], state={}, headers={"Host": "localhost:8501"})
    seen.answer = lambda: {"next": 7, "run": 0}

    def send(path, **body):
        seen.sent.append((path, body))
        return seen.answer()

    monkeypatch.setattr(commands.run_py, "send", send)
    monkeypatch.setattr(st, "session_state", seen.state)
    monkeypatch.setattr(st, "toast", lambda text, icon: seen.told.append(text))
    monkeypatch.setattr(st, "context", SimpleNamespace(headers=seen.headers))
    return seen


def block_of(lab: int, kind: str) -> Block:
    return next(b for s in blocks.page_of(lab).sections for b in s.blocks if b.kind == kind)


def test_a_block_for_run_py_is_typed_line_by_line(pressed):
    block = block_of(1, "run")
    for _double_click in range(2):
        commands.carry_out(1, block.number)
    assert pressed.sent == [("", {"command": "like"})] * 6
    output = pressed.state["outputs"][1, block.number]
    assert (output.path, output.next, output.live) == ("lines", 7, True)


def test_only_the_numbers_of_a_shell_block_are_sent(pressed):
    block = block_of(1, "sh")
    for _while_it_runs in range(2):
        commands.carry_out(1, block.number)
    assert pressed.sent == [("programs", {"lab": 1, "block": block.number})]
    assert pressed.state["outputs"][1, block.number].path == "programs/0"


def test_a_thread_that_streamlit_ends_has_already_shown_its_result(pressed, monkeypatch):
    """It ends a thread that another one replaces, at its next look at the session."""

    class Session(dict):
        def setdefault(self, name, value):
            assert not pressed.sent, "ended"
            return super().setdefault(name, value)

    monkeypatch.setattr(st, "session_state", session := Session())
    block = block_of(1, "sh")
    commands.carry_out(1, block.number)
    assert session["outputs"][1, block.number].live


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Host": "localhost", "Origin": "https://evil.example"}])
def test_under_another_host_name_nothing_is_run(pressed, headers):
    pressed.headers.clear()
    pressed.headers.update(headers)
    commands.carry_out(1, block_of(1, "run").number)
    assert pressed.sent == []
    assert "not a name of this computer" in pressed.told[0]


def test_a_refusal_by_run_py_is_shown(pressed):
    answer = requests.Response()
    answer.status_code, answer._content = 409, b'{"error": "another block is still running", "hint": ""}'
    pressed.answer = Mock(side_effect=requests.HTTPError(response=answer))
    commands.carry_out(1, block_of(1, "sh").number)
    assert pressed.told == ["another block is still running"]
    assert not pressed.state.get("outputs")
    pressed.answer = Mock(side_effect=requests.ConnectionError)
    commands.carry_out(1, block_of(1, "sh").number)
    assert pressed.told[1:] == ["run.py did not answer: look at its terminal"]


def test_a_new_block_takes_over_the_lines_and_a_program_keeps_running(pressed):
    first, second, program = Output("lines", 0), block_of(1, "run"), Output("programs/0", 0)
    pressed.state["outputs"] = {(1, 998): first, (1, 999): program}
    commands.carry_out(1, second.number)
    assert (first.live, program.live) == (False, True)
    assert pressed.state["outputs"][1, second.number].live


def test_an_output_ends_with_its_program_or_after_a_while_without_a_line(monkeypatch):
    answers = [
        {"lines": ["one"], "next": 1, "running": True, "exit_code": None},
        {"lines": ["two"], "next": 2, "running": False, "exit_code": 1},
        {"lines": [], "next": 2, "running": False, "exit_code": 1},
    ]
    monkeypatch.setattr(commands.run_py, "ask", lambda path, since: answers.pop(0))
    output = Output("programs/0", 0)
    while output.live:
        output.read()
    assert (output.lines, output.state) == (["one", "two"], "ended with exit code 1")
    answers.append({"lines": [], "next": 5})
    quiet = Output("lines", 5, at=time.monotonic() - commands.FOLLOWED_SECONDS - 1)
    quiet.read()
    assert not quiet.live

    monkeypatch.setattr(commands.run_py, "ask", Mock(side_effect=requests.ConnectionError))
    lost = Output("lines", 5)
    lost.read()
    assert (lost.live, lost.state) == (False, "run.py does not answer: look at its terminal")


@pytest.mark.parametrize(
    ("kind", "text", "label"),
    [
        ("run", "like\nlike", "like, 2 times"),
        ("run", "kill 1\nlike 3", "kill 1, then like 3"),
        ("sh", "python run.py labs/lab_01_partitions/null_key.py", "null_key.py"),
        ("sh", "python run.py kafka-topics --list\npython run.py labs/click.py", "kafka-topics, then click.py"),
    ],
)
def test_a_button_says_what_it_does(kind, text, label):
    block = Block(0, kind, text)
    assert words.label(block, LabPage((Section("Do", (block,)),), "", ())) == label


@pytest.mark.parametrize("lab", sorted(checks.pages()))
def test_no_two_buttons_of_a_page_have_one_name_unless_they_do_the_same(lab):
    page = blocks.page_of(lab)
    names = {}
    for block in (block for section in page.sections for block in section.blocks if block.kind in ("run", "sh")):
        assert names.setdefault(words.label(block, page), block.text) == block.text


def test_a_tab_follows_what_another_one_has_started(pressed, monkeypatch):
    current = {"run": 3, "lab": 1, "block": 12}
    monkeypatch.setattr(commands, "CONTROL_URL", "http://127.0.0.1:1/")
    monkeypatch.setattr(commands.run_py, "ask", lambda path, since: current)
    assert commands.follow_current()
    output = pressed.state["outputs"][1, 12]
    assert (output.path, output.next, output.live) == ("programs/3", 0, True)
    assert not commands.follow_current(), "it does already"
    current.clear()
    assert not commands.follow_current()
    assert pressed.state["outputs"][1, 12] is output


@pytest.mark.parametrize(
    ("command", "instead"),
    [
        ("like", "click **Like** on the board"),
        ("like 3", "click **Like** on the board, 3 times"),
        ("stop 2", "press Ctrl+C in the terminal of consumer 2"),
        ("start 2", "`CONSUMER_PORT=5003 python consumer.py`"),
        ("kill 1", "needs `python run.py`"),
        ("start kafka-1", "needs `python run.py`"),
        ("status", "needs `python run.py`"),
    ],
)
def test_without_run_py_the_page_says_what_to_do(command, instead):
    assert instead in words.by_hand(command)


def test_output_and_goals_cannot_become_html():
    evil = "<img src=x onerror=alert(1)>\x1b[31m"
    for made in (
        words.output_html([evil, f"consumer-1 | {evil}"], evil),
        words.goals_html((Goal(evil, False, evil, evil),)),
        words.status_html(evil),
    ):
        assert "<img" not in made
        assert "\x1b" not in made


def test_a_long_output_shows_its_end():
    shown = words.output_html([f"line {n}" for n in range(1000)], "x")
    assert "... 800 lines before these" in shown
    assert ">line 999<" in shown and ">line 799<" not in shown


@pytest.mark.parametrize("lab", sorted(checks.pages()))
def test_no_link_of_a_lab_leads_nowhere(lab):
    """Links to files become the programs themselves, other labs links to their pages, the rest only names."""
    folder = checks.pages()[lab].parent
    for section in blocks.page_of(lab).sections:
        for block in section.blocks:
            if block.kind == "prose":
                assert "](" not in words.linked(block.text).replace("](http", "")
                assert set(words.labs_linked(block.text)) <= checks.pages().keys()
                assert all(FOLDER in file.parents for file in words.programs_linked(block.text, folder))


def test_a_page_shows_only_programs_of_the_labs():
    folder = checks.pages()[1].parent
    there = [folder / "null_key.py", FOLDER / "click.py"]
    assert words.programs_linked("[a](null_key.py) [b](../click.py)", folder) == there
    assert words.programs_linked("[c](../../settings.py) [d](missing.py) [e](/etc/x.py)", folder) == []


def test_the_index_has_every_lab():
    syllabus = index.syllabus()
    assert syllabus.keys() == checks.pages().keys()
    assert "<code>cooperative-sticky</code>" in syllabus[3][0]
    assert syllabus[3][1] == "15"


def test_a_state_in_words():
    done, half = Goal("", True, ""), Goal("", False, "")
    states = [None, State(0, 0, (done,)), State(0, 0, (done, half)), State(0, 0, problem="no broker")]
    assert [in_words(state) for state in states] == ["...", "done", "1 of 2", "not known"]
    assert len({icon_of(state) for state in states[:3]}) == 3
