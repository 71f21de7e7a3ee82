"""wait_until returns the first true value, or the last value at the deadline."""

from plumbing.waiting import wait_until


def test_the_first_true_value_is_returned():
    values = iter([0, "", "here", "never asked"])
    assert wait_until(lambda: next(values), seconds=60, pause=0) == "here"


def test_after_the_deadline_the_last_value_is_returned():
    assert wait_until(list, seconds=0) == []
