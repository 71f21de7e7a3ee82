"""RELIABILITY.md promises only what a test proves, and gives a figure for each fault."""

import ast
import re

from tests.programs import ROOT
from tests.scheduling import COLLECTED, PLAYS, REPEATS

PAGE = (ROOT / "docs" / "RELIABILITY.md").read_text(encoding="utf-8")
FILES = [file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py")]
TESTS = {name for text in FILES for name in re.findall(r"^def (test_\w+)\(", text, re.MULTILINE)}
MARKS = re.compile(r"pytest\.mark\.(repeats|plays)")


def test_every_test_that_it_names_exists():
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 25
    assert named <= TESTS


def marked_as_left_out(text: str) -> set[str]:
    """The tests of a file that a default run leaves out: by a mark of the test, or of the whole file."""
    tree = ast.parse(text)
    whole = any(
        isinstance(node, ast.Assign) and "pytestmark" in ast.unparse(node) and MARKS.search(ast.unparse(node))
        for node in tree.body
    )
    tests = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    marked = {test.name for test in tests if any(MARKS.fullmatch(ast.unparse(one)) for one in test.decorator_list)}
    return {test.name for test in tests} if whole else marked


def test_promises_are_tested_without_all():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", PAGE + readme))
    assert not named & set().union(*map(marked_as_left_out, FILES))
    assert marked_as_left_out("@pytest.mark.repeats\ndef test_one(): ...\ndef test_two(): ...") == {"test_one"}
    assert marked_as_left_out("pytestmark = pytest.mark.plays\ndef test_one(): ...") == {"test_one"}


def test_one_case_of_each_promise_is_tested_without_all(request):
    """Of the tests that this run has collected."""
    cases = {}
    for item in request.config.stash[COLLECTED]:
        cases.setdefault(item.originalname, []).append(any(map(item.get_closest_marker, (REPEATS, PLAYS))))
    assert [name for name in re.findall(r"`(test_\w+)`", PAGE) if name in cases and all(cases[name])] == []


def test_every_promise_names_its_test():
    promises, _not_promised = PAGE.split("## What is not promised")
    rows = re.findall(r"^\| (?!promise|---)(.+) \| (.+) \|$", promises, re.MULTILINE)
    assert len(rows) > 20
    assert all(re.search(r"`test_\w+`", test) for _promise, test in rows)


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
