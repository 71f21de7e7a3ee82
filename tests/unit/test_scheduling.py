"""Which tests a run takes, and what their programs inherit from it."""

import subprocess
import sys
from collections import Counter

import pytest

from tests.programs import ROOT
from tests.scheduling import (
    ALWAYS_TOGETHER,
    LABS,
    OF_KAFKA_4,
    REPEATS,
    SLOW,
    left_out,
    place_in_order,
    rest_repeats,
    scope_of,
    why_left_out,
)

BY_DEFAULT, BY_NAME = pytest.Config.ArgsSource.TESTPATHS, pytest.Config.ArgsSource.ARGS


class Item:
    """A test in this file, with these marks."""

    def __init__(self, nodeid: str, *marks: str):
        self.nodeid, self.get_closest_marker = nodeid, lambda name: name in marks


def test_the_first_case_of_a_parameter_always_runs_and_the_others_repeat_it():
    first, *others = rest_repeats([("a", 1), ("b", 2), ("c", 3)])
    assert first == ("a", 1)
    assert [(case.values, [mark.name for mark in case.marks]) for case in others] == [
        (("b", 2), ["repeats"]),
        (("c", 3), ["repeats"]),
    ]


def test_the_longest_tests_start_first():
    files = ["tests/unit/test_web.py", "tests/kafka/test_lag.py", "tests/end_to_end/test_run.py", LABS]
    assert sorted(files, key=place_in_order) == files[::-1]


def test_a_file_runs_in_one_process_except_for_the_labs():
    first, later = (f"{LABS}::test_a_lab_played_from_its_page[{number}]" for number in (1, 11))
    assert scope_of(first, ALWAYS_TOGETHER) == LABS != scope_of(later, ALWAYS_TOGETHER)
    assert scope_of(first, ("tests/labs/",)) == scope_of(later, ("tests/labs/",))
    assert scope_of(OF_KAFKA_4[0], ALWAYS_TOGETHER) == scope_of(OF_KAFKA_4[1], ALWAYS_TOGETHER)
    one, other = ("tests/windows/test_consumer.py::test_one", "tests/windows/test_packages.py::test_two")
    assert scope_of(one, ALWAYS_TOGETHER) == scope_of(other, ALWAYS_TOGETHER)


@pytest.mark.parametrize(
    ("item", "by_default", "by_name"),
    [
        (Item("tests/kafka/test_claims.py::test_1"), "", ""),
        (Item("tests/kafka/test_local.py::test_1[b]", "repeats"), REPEATS, REPEATS),
        (Item(f"{LABS}::test_1", "slow"), SLOW, ""),
        (Item("tests/windows/test_consumer.py::test_1"), SLOW, ""),
        (Item("tests/docker/test_apps.py::test_1"), SLOW, ""),
    ],
)
def test_a_default_run_plays_nothing_in_full(item, by_default, by_name):
    assert why_left_out(item, False, BY_DEFAULT) == by_default
    assert why_left_out(item, False, BY_NAME) == by_name
    assert why_left_out(item, True, BY_DEFAULT) == why_left_out(item, True, BY_NAME) == ""


def test_a_run_says_what_it_left_out_and_how_to_run_it():
    line = left_out(Counter({SLOW: 1, REPEATS: 2}))
    assert line.startswith("left out: 1 slow tests ")
    assert " 2 that repeat " in line
    assert line.endswith("python run.py test --all runs them")
    assert left_out(Counter()) == ""


@pytest.mark.skipif(sys.platform == "win32", reason="trap is of POSIX shells")
def test_programs_heed_ctrl_c_also_when_the_tests_run_in_the_background(tmp_path):
    test = tmp_path / "test_one.py"
    test.write_text("import signal\ndef test_one(): assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN\n")
    command = 'trap "" INT && exec "$0" -m pytest -q -p no:cacheprovider -p tests.conftest "$1"'
    done = subprocess.run(["sh", "-c", command, sys.executable, str(test)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
