"""Every lab, played from its page: the check says "not yet", each command is run, what the page shows is shown, and
the check passes. One session serves all: a lab has to be right whatever was done before it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.cli import KAFKA_COMMANDS
from tests.pages import LEFT_OPEN, Step, as_pattern, found, run_in_shell, steps, wait_for_shown
from tests.programs import ROOT, wait_until

PAGES = {int(re.match(r"\d+", page.name)[0]): page for page in (ROOT / "labs").glob("[0-9]*-*.md")}
ON_ONE_BROKER = sorted(PAGES.keys() - {9, 10})
ALSO_LEFT_OPEN = [  # what was done before moves these on; `...` is the page's own word for anything
    (r"\b(order|offset)=\d+", r"\1=\\d+"),
    (r"\b\d+\\\.\d+(?=\\s\+s\b)", r"\\d+\\.\\d+"),
    (r"\\\.\\\.\\\.", ".*"),
]
LOOKS = ("curl ", "python run.py check")  # commands that change nothing: they may be early, and are repeated


def play(page: Path, session, folder: Path) -> None:
    """Type and run what the page says; fails where it shows what is not shown."""
    left_open = LEFT_OPEN + ALSO_LEFT_OPEN
    for step in steps(page):
        before = len(session.lines)
        if step.kind == "run":
            for line in step.commands:
                session.type(line)
            wait_for_shown(step, session, before, left_open)
        elif all(command.startswith(LOOKS) for command in step.commands):
            wait_until(lambda step=step: not missing(step, folder, left_open), str(step))
        else:
            assert not missing(step, folder, left_open)


def missing(step: Step, folder: Path, left_open: list[tuple[str, str]]) -> str:
    """Run the commands; gives the first line that they do not show, with what they have said."""
    environment = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    output = [line for command in step.commands for line in run_in_shell(command, folder, environment)]
    lines = (line for line in step.shown if not found(as_pattern(line, left_open), output))
    return "\n".join([f"not shown: {line}", *output]) if (line := next(lines, None)) else ""


def check(number: int, folder: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "run.py", "check", str(number)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=120)


@pytest.mark.parametrize("number", ON_ONE_BROKER)
def test_a_lab_played_from_its_page(number, launched, copy):
    before = check(number, copy)
    assert before.returncode == 1, before.stdout + before.stderr
    assert "not yet" in before.stdout, before.stdout
    play(PAGES[number], launched, copy)  # with its last command, the check
    assert not found("Traceback", launched.lines)


@pytest.mark.parametrize("number", sorted(PAGES))
def test_a_page_has_the_form_of_a_lab(number):
    text = PAGES[number].read_text(encoding="utf-8")
    assert text.startswith(f"# Lab {number}: ")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == ["Predict", "Do, and see", "Check", "Explain", "Go on"]
    assert "<details><summary>Answer" in text
    assert any(step.commands == [f"python run.py check {number}"] for step in steps(PAGES[number]))
    assert re.search(r"https://(kafka\.apache\.org/37/|cwiki\.apache\.org/)", text), "no source"
    for target in re.findall(r"\]\((?!http|#)([^)]+)\)", text):
        assert (PAGES[number].parent / target).exists(), target


@pytest.mark.parametrize("number", sorted(PAGES))
def test_every_step_shows_something_and_runs_on_every_system(number):
    for step in steps(PAGES[number]):
        assert step.shown, step.commands
        if step.kind == "sh":
            allowed = rf"python run\.py (check( \d+)?|labs/\w+\.py.*|({'|'.join(KAFKA_COMMANDS)}) .*)|curl \S+"
            assert all(re.fullmatch(allowed, command) for command in step.commands), step.commands
