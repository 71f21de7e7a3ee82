"""Every lab, played from its page: each command is run, what the page shows appears, and the check passes. A session
serves all that need one broker: a lab must work whatever was done before it."""

import re
from pathlib import Path

import pytest

from brokers.jars import CURRENT
from brokers.java import COMMANDS, COMMANDS_OF_4
from labs import kafka4, programs
from tests import versions
from tests.labs.play import PAGES, SESSIONS, check, play
from tests.pages import steps
from tests.programs import ROOT, expect_no_traceback

ON_ONE_BROKER = sorted(PAGES.keys() - {9, 10})


@pytest.mark.slow
def test_at_first_only_the_topic_is_reached(launched, copy):
    progress = check("", copy)
    assert progress.returncode == 1, progress.stdout + progress.stderr
    states = re.findall(r"^ +(\d+)  .* (\d+) of \d+$", progress.stdout, re.MULTILINE)
    assert states == [(str(number), "1" if number == 1 else "0") for number in sorted(PAGES)], progress.stdout


@pytest.mark.slow
@pytest.mark.parametrize("number", ON_ONE_BROKER)
def test_a_lab_played_from_its_page(number, launched, copy):
    if number in kafka4.LABS and versions.chosen != CURRENT:
        pytest.skip(f"lab {number} needs Kafka 4: python run.py test --kafka {CURRENT} tests/labs")
    play(PAGES[number], launched, copy)  # with its last command, the check
    expect_no_traceback(launched.lines)


def test_the_labs_that_need_kafka_4_start_it_on_their_pages():
    starting = {number for number, page in PAGES.items() if any(one.commands == [kafka4.START] for one in steps(page))}
    assert starting == set(kafka4.LABS)


@pytest.mark.parametrize("number", sorted(PAGES))
def test_a_page_can_be_read_in_its_time_and_its_steps_show_something_on_every_system(number):
    """Without commands and outputs, it has at most 600 words. Its headings: tests/unit/test_lab_blocks.py."""
    text = PAGES[number].read_text(encoding="utf-8")
    assert text.startswith(f"# Lab {number}: ")
    assert re.search(r"https://(kafka\.apache\.org/37/|cwiki\.apache\.org/)", text), "no source"
    assert len(re.sub(r"^```.*?^```$|\]\([^)]*\)", "", text, flags=re.M | re.S).split()) <= 600
    assert any(step.commands == [f"python run.py check {number}"] for step in steps(PAGES[number]))
    for step in steps(PAGES[number]):
        if step.commands[0] in SESSIONS:
            continue
        assert step.shown, step.commands
        if step.kind == "sh":
            commands = "|".join(COMMANDS_OF_4 if number in kafka4.LABS else COMMANDS)
            allowed = rf"python run\.py (registry|check( \d+)?|labs/\S+\.py.*|({commands}) .*)|curl \S+"
            assert all(re.fullmatch(allowed, command) for command in step.commands), step.commands
            paths = [command.split()[2] for command in step.commands if " labs/" in command]
            assert programs().keys() >= set(paths)


def test_every_program_of_a_lab_is_on_its_page():
    for path in programs():
        page = ROOT / Path(path).parent / "README.md"
        assert path == "labs/click.py" or f"python run.py {path}" in page.read_text(encoding="utf-8"), path
