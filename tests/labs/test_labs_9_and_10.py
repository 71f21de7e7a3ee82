"""Labs 9 and 10, each played from its page on brokers of its own, and then reset."""

import re
import subprocess
import sys

import pytest

from tests.end_to_end.conftest import new_session
from tests.labs.play import PAGES, check, play
from tests.programs import expect_no_traceback

OWN_BROKERS = {  # lab -> what starts them, what a reset says that it deletes, and what the check says then
    9: (
        ["--broker", "local", "--brokers", "3"],
        r"deletes +\d+ answers in clicks\.jsonl",
        ["not yet  with two brokers down, likes are refused: 0 clicks were refused"],
    ),
    10: (
        ["--broker", "secured"],
        "the user writer, its access rules, writer.properties",
        ["not yet  the user writer: does not exist", "not yet  what writer may do: may do nothing"],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("lab", OWN_BROKERS)
def test_a_lab_played_from_its_page_and_after_a_reset(lab, copy):
    arguments, deleted, goals = OWN_BROKERS[lab]
    with new_session(copy, *arguments) as session:
        play(PAGES[lab], session, copy)
        expect_no_traceback(session.lines)
        passwords = [file.read_text(encoding="utf-8") for file in (copy / ".kafka").rglob("*.password")]
        assert not [line for line in session.lines if any(password in line for password in passwords)]
        reset = [sys.executable, "run.py", "labs", "reset", str(lab)]
        done = subprocess.run(reset, cwd=copy, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(deleted, done.stdout), done.stdout
        after = check(lab, copy).stdout
        assert [goal for goal in goals if goal not in after] == [], after
    assert not list(copy.rglob("writer.properties"))
