"""Lab 10, played from its page on the secured broker."""

import subprocess
import sys

import pytest

from tests.end_to_end.conftest import new_session
from tests.labs.play import PAGES, check, play
from tests.programs import expect_no_traceback

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def secured_session(copy):
    with new_session(copy, "--broker", "secured") as session:
        yield session


def test_the_lab_played_from_its_page(secured_session, copy):
    before = check(10, copy)
    assert before.returncode == 1, before.stdout + before.stderr
    play(PAGES[10], secured_session, copy)
    expect_no_traceback(secured_session.lines)


def test_after_a_reset_its_user_is_gone(secured_session, copy):
    done = subprocess.run([sys.executable, "run.py", "labs", "reset", "10"], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the user writer, its access rules, writer.properties" in done.stdout
    assert not list(copy.rglob("writer.properties"))
    after = check(10, copy).stdout
    assert "not yet  the user writer: does not exist" in after
    assert "not yet  what writer may do: may do nothing" in after
