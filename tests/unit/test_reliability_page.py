"""RELIABILITY.md promises only what a test proves, and gives a figure for each fault."""

import re

from tests.programs import ROOT
from tests.scheduling import COLLECTED, REPEATS, SLOW

PAGE = (ROOT / "docs" / "RELIABILITY.md").read_text(encoding="utf-8")
FILES = [file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py")]
TESTS = {name for text in FILES for name in re.findall(r"^def (test_\w+)\(", text, re.MULTILINE)}


def test_every_test_that_it_names_exists():
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 25
    assert named <= TESTS


def test_each_promise_has_a_test_that_runs_without_all(request):
    """Of the tests that this run has collected. (A row may have others, which take longer.)"""
    assert len(promises()) > 20
    cases = {}
    for item in request.config.stash[COLLECTED]:
        cases.setdefault(item.originalname, []).append(any(map(item.get_closest_marker, (REPEATS, SLOW))))
    left_out = {name for name, marked in cases.items() if all(marked)}
    assert [promise for promise, tests in promises() if tests <= left_out] == []


def promises() -> list[tuple[str, set[str]]]:
    """Each promise and its tests."""
    rows = re.findall(r"^\| (?!promise|---)(.+) \| (.+) \|$", PAGE.split("## What is not promised")[0], re.MULTILINE)
    return [(promise, set(re.findall(r"`(test_\w+)`", tests))) for promise, tests in rows]


def test_every_test_of_faults_is_promised():
    faults = (ROOT / "tests" / "reliability" / "test_faults.py").read_text(encoding="utf-8")
    assert set(re.findall(r"^def (test_\w+)\(", faults, re.MULTILINE)) <= set(re.findall(r"`(test_\w+)`", PAGE))


def test_nothing_was_lost_in_the_last_figures():
    figures = PAGE.split("## The last figures")[1]
    rows = re.findall(r"^\| `(test_\w+)[^`]*`[^|]*\|(.+)\|$", figures, re.MULTILINE)
    assert len(rows) > 10
    for _name, numbers in rows:
        _faults, acknowledged, _refused, lost, _twice = (int(n.strip().replace(",", "")) for n in numbers.split("|"))
        assert acknowledged > 0
        assert lost == 0
