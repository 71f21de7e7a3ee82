"""Which tests a run takes, and what their programs inherit from it."""

import subprocess
import sys
from collections import Counter

import pytest

from tests.programs import ROOT
from tests.scheduling import LABS, REPEATS, SLOW, left_out, why_left_out

BY_DEFAULT, BY_NAME = pytest.Config.ArgsSource.TESTPATHS, pytest.Config.ArgsSource.ARGS


class Item:
    """A test in this file, with these marks."""

    def __init__(self, nodeid: str, *marks: str):
        self.nodeid, self.get_closest_marker = nodeid, lambda name: name in marks


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
