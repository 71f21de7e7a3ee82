"""Lab 9, played from its page on three brokers."""

import re
import subprocess
import sys

import pytest

from tests.end_to_end.conftest import new_session
from tests.labs.play import PAGES, check, play
from tests.programs import expect_no_traceback

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def three_brokers(copy):
    with new_session(copy, "--broker", "local", "--brokers", "3") as session:
        yield session


def test_the_lab_played_from_its_page(three_brokers, copy):
    before = check(9, copy)
    assert before.returncode == 1, before.stdout + before.stderr
    play(PAGES[9], three_brokers, copy)
    expect_no_traceback(three_brokers.lines)


def test_after_a_reset_its_clicks_are_forgotten(three_brokers, copy):
    done = subprocess.run([sys.executable, "run.py", "labs", "reset", "9"], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"deletes +\d+ answers in clicks\.jsonl", done.stdout)
    assert "not yet  with two brokers down, likes are refused: 0 clicks were refused" in check(9, copy).stdout
