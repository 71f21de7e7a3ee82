"""Lab 9, played from its page on three brokers."""

import pytest

from tests.end_to_end.conftest import new_session
from tests.labs.play import PAGES, check, play
from tests.pages import found


@pytest.fixture(scope="module")
def three_brokers(copy):
    with new_session(copy, "--broker", "local", "--brokers", "3") as session:
        yield session


def test_the_lab_played_from_its_page(three_brokers, copy):
    before = check(9, copy)
    assert before.returncode == 1, before.stdout + before.stderr
    play(PAGES[9], three_brokers, copy)
    assert not found("Traceback", three_brokers.lines)
