"""Which tests run, and which in the same process: a pytest plugin, loaded by conftest.py."""

import contextlib
import re
import subprocess
import sys
from collections import Counter

import pytest

from brokers import archive, docker, jars, registry
from brokers.jars import CURRENT, LESSONS, VERSIONS
from launcher import terminal
from settings import CHOSEN_BOOTSTRAP_SERVERS, ROOT
from tests import isolated

LONG_TEST_SECONDS = 1800  # timeout for one
WINE_TEST_SECONDS = 1800
USE_THE_USUAL_PORTS = ("tests/end_to_end/", "tests/labs/", "tests/windows/", "tests/docker/")
ALWAYS_TOGETHER = ("tests/windows/", "tests/docker/")  # one Wine, one Docker engine
LABS = "tests/labs/test_labs.py"
LATER_LABS = re.compile(rf"{LABS}::test_a_lab_played_from_its_page\[1\d\]")  # half of that file's time
OF_KAFKA_4 = ("tests/kafka/test_kafka4.py", "tests/kafka/test_lab_queues.py")  # one broker
# So that no long file is the last.
LONGEST_FIRST = (LABS, "tests/end_to_end/", *ALWAYS_TOGETHER, "tests/labs/", "tests/reliability/", "tests/kafka/")
REPEATS, SLOW = "repeats", "slow"  # why a test is left out, by its mark
COLLECTED, COUNTS = pytest.StashKey[list](), pytest.StashKey[Counter]()


def rest_repeats(cases) -> list:
    """The cases of a parameter where each shows the same mechanism: the first always runs, the others with --all."""
    first, *others = cases
    rows = [case if isinstance(case, tuple) else (case,) for case in others]
    return [first, *(pytest.param(*row, marks=pytest.mark.repeats) for row in rows)]


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="tests/reliability for an hour: all faults, many events")
    parser.addoption("--all", action="store_true", help="also the tests that repeat others with more cases")
    stand_in = "on Debian 12, as root: start a Docker engine for these tests, with images made here"
    parser.addoption("--kafka", type=int, default=LESSONS, choices=VERSIONS, help="the Kafka that fixtures start")
    parser.addoption("--stand-in", action="store_true", help=stand_in)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """With --stand-in, another pytest runs the tests, where that engine can be reached."""
    if not config.getoption("--stand-in"):
        return None
    from tests.docker import stand_in

    arguments = [str(argument) for argument in config.invocation_params.args]
    return stand_in.run_pytest([argument for argument in arguments if argument != "--stand-in"])


def place_in_order(nodeid: str) -> int:
    """0 for a test that starts first."""
    return [*map(nodeid.startswith, LONGEST_FIRST), True].index(True)


def pytest_sessionstart(session):
    """Each of pytest-xdist's workers, which it starts after this, gets ports of its own where the system allows it. It
    then reaches no broker that runs already, and none in Docker."""
    option = session.config.option
    if "popen" not in getattr(option, "tx", ()) or CHOSEN_BOOTSTRAP_SERVERS or not docker.engine_problem():
        return
    if python := isolated.command():
        with _compiling():
            _fetch(option.all, option.kafka)
        option.tx = [f"popen//python={python}" for _ in option.tx]


def _compiling() -> contextlib.AbstractContextManager:
    """In a new clone, one process compiles the tests and what they import: the workers, which begin all at once, would
    each do it."""
    if (ROOT / "tests" / "unit" / "__pycache__").exists():
        return contextlib.nullcontext()
    collect = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "--numprocesses", "0"]
    return subprocess.Popen(collect, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _fetch(everything: bool, chosen: int) -> None:
    """What the tests start, because the workers have no network. Raises `Problem`."""
    with terminal.progress("kafka", "looking for its jars") as progress:
        for kafka in VERSIONS if everything else {LESSONS, chosen}:
            archive.make(progress, kafka)
        jars.ensure(progress, CURRENT)  # by default few tests start it, in less time than its archive takes
        if everything:
            registry.unpacked(progress)


def scope_of(nodeid: str, together: tuple[str, ...]) -> str:
    """The same for all tests that have to run in one process, where those in the folders `together` do."""
    if nodeid.startswith(together):
        return together[0]
    if nodeid.startswith(OF_KAFKA_4):
        return "Kafka 4"
    return "later labs" if LATER_LABS.match(nodeid) else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)  # without pytest-xdist all run one after the other
def pytest_xdist_make_scheduler(config, log):
    """A file runs in one process, but for the labs, and so do all that would get in each other's way. (The marks for
    that do nothing with pytest 9.2.)"""
    from xdist.scheduler import LoadScopeScheduling

    isolates = any("python=" in worker for worker in config.option.tx)
    together = ALWAYS_TOGETHER if isolates else USE_THE_USUAL_PORTS

    class ByWhatIsShared(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid, together)

    config.option.loadscopereorder = False  # it puts what has many tests first, which are the quick ones
    return ByWhatIsShared(config, log)


@pytest.hookimpl(trylast=True)  # of what -k and -m have left
def pytest_collection_modifyitems(config, items):
    reasons = [why_left_out(item, config.getoption("--all"), config.args_source) for item in items]
    config.stash[COLLECTED] = [*items]
    left = [item for item, reason in zip(items, reasons, strict=True) if reason]
    config.stash[COUNTS] = Counter(filter(None, reasons))
    if hasattr(config, "workeroutput"):
        config.workeroutput["left out"] = dict(config.stash[COUNTS])
    config.hook.pytest_deselected(items=left)
    kept = [item for item, reason in zip(items, reasons, strict=True) if not reason]
    items[:] = sorted(kept, key=lambda item: place_in_order(item.nodeid))
    for item in items:
        if config.getoption("--long"):
            item.add_marker(pytest.mark.timeout(LONG_TEST_SECONDS))
        elif item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="it takes long: --long runs it"))
        if item.nodeid.startswith("tests/windows/"):  # after that of --long: the first one counts
            item.add_marker(pytest.mark.timeout(WINE_TEST_SECONDS))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """One of pytest-xdist's workers has ended; all have collected the same tests."""
    node.config.stash[COUNTS] = Counter(getattr(node, "workeroutput", {}).get("left out"))


def why_left_out(item, all_cases: bool, named: pytest.Config.ArgsSource) -> str:
    """Why this run leaves the test out, empty if it does not. `named`: what names the tests of this run."""
    if all_cases:
        return ""
    if item.get_closest_marker(REPEATS):
        return REPEATS
    is_slow = item.get_closest_marker(SLOW) or item.nodeid.startswith(ALWAYS_TOGETHER)
    return SLOW if is_slow and named is pytest.Config.ArgsSource.TESTPATHS else ""


def left_out(counts: Counter[str]) -> str:
    """The last line of a run that has left out so many tests for these reasons; empty if it has left out nothing."""
    if not counts.total():
        return ""
    return (
        f"left out: {counts[SLOW]} slow tests (all labs and documents, long outages, Docker, Wine), {counts[REPEATS]} "
        "that repeat others with more cases; python run.py test --all runs them"
    )


def pytest_unconfigure(config):
    """After pytest's own last line."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter and (line := left_out(config.stash.get(COUNTS, Counter()))):
        reporter.write_line(line)
