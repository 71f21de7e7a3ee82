"""`python run.py labs reset N`: it knows what each lab leaves. tests/kafka has it delete that."""

import re

import pytest

from labs import checks
from labs.topics import named
from launcher import cli, reset
from plumbing import Problem

READERS = {named("onlooker")}  # reads without joining or committing


@pytest.mark.parametrize("number", sorted(checks.pages()))
def test_a_reset_knows_every_topic_and_group_of_a_lab(number):
    left = checks.leaves(number)
    programs = (program.read_text(encoding="utf-8") for program in checks.pages()[number].parent.glob("*.py"))
    names = {named(name) for text in programs for name in re.findall(r'named\("([^"]+)"\)', text)} - READERS
    assert names <= {*left.topics, *left.groups}
    shown = set(re.findall(r"--(?:group|topic) (labs-\S+)", checks.pages()[number].read_text(encoding="utf-8")))
    assert shown <= {*left.topics, *left.groups}


def test_the_answers_of_a_lab_are_those_of_its_clicks():
    outage, click, old = ({"key": "outage-1"}, {"key": None}, {})
    assert [bool(checks.leaves(5).answers(answer)) for answer in (outage, click, old)] == [True, False, False]
    assert [bool(checks.leaves(9).answers(answer)) for answer in (outage, click, old)] == [False, True, True]


@pytest.mark.parametrize(("words", "what"), [([], "which lab"), (["99"], "there is no lab 99")])
def test_a_lab_that_does_not_exist_is_refused_before_anything_is_asked(words, what):
    options = cli.parse(["labs", "reset", *words])[1]
    with pytest.raises(Problem, match=what) as refused:
        reset.main(options.lab)
    assert refused.value.hint.startswith("python run.py labs reset 4 ")
