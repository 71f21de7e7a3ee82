"""Every lab, played from its page: the check says "not yet", each command is run, what the page shows is shown, and
the check passes. One session serves all that need one broker: a lab has to be right whatever was done before it."""

import re

import pytest

from brokers.java import COMMANDS as KAFKA_COMMANDS
from tests.labs.play import PAGES, SESSIONS, check, play
from tests.pages import found, steps

ON_ONE_BROKER = sorted(PAGES.keys() - {9, 10})


def test_at_first_nothing_is_reached_but_that_there_is_a_topic(launched, copy):
    progress = check("", copy)
    assert progress.returncode == 1, progress.stdout + progress.stderr
    states = re.findall(r"^ +(\d+)  .* (\d+) of \d+$", progress.stdout, re.MULTILINE)
    assert states == [(str(number), "1" if number == 1 else "0") for number in sorted(PAGES)], progress.stdout


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
        if step.commands[0] in SESSIONS:
            continue
        assert step.shown, step.commands
        if step.kind == "sh":
            program = rf"check( \d+)?|labs/(lab_\d\d_\w+/)?\w+\.py.*|({'|'.join(KAFKA_COMMANDS)}) .*"
            allowed = rf"python run\.py ({program})|curl \S+"
            assert all(re.fullmatch(allowed, command) for command in step.commands), step.commands
