"""Lab 10, played from its page on the secured broker."""

import pytest

from tests.end_to_end.conftest import new_session
from tests.labs.play import PAGES, check, play
from tests.pages import found


@pytest.fixture(scope="module")
def secured_session(copy):
    with new_session(copy, "--broker", "secured") as session:
        yield session


def test_the_lab_played_from_its_page(secured_session, copy):
    before = check(10, copy)
    assert before.returncode == 1, before.stdout + before.stderr
    play(PAGES[10], secured_session, copy)
    assert not found("Traceback", secured_session.lines)
