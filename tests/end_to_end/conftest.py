"""`python run.py` as a learner starts it: a copy of the project in a new folder, the usual ports."""

import contextlib
import os
import shutil
import subprocess
import sys

import pytest

from brokers.ports import port_holder
from tests import versions
from tests.programs import ROOT, Program

PORTS = (5001, 5002, 5003, 5004, 8501, 9092, 29092, 9093, 9094, 29094, 9095, 9096, 29096, 9097)
READY = "open this, click Like"


@pytest.fixture(scope="session")
def copy(tmp_path_factory):
    """The project in a folder with blanks in its name, without data, with the packages that are already installed."""
    for port in PORTS:
        if holder := port_holder(port):
            # A machine that checks changes has no excuse to skip these tests.
            refuse = pytest.fail if os.environ.get("CI") else pytest.skip
            refuse(f"port {port} is taken by {holder}: end it to run the tests of the whole system")
    folder = tmp_path_factory.mktemp("hands on kafka") / "copy"
    leave = shutil.ignore_patterns(".git", ".venv", ".kafka", "__pycache__", ".*_cache", "test-results")
    shutil.copytree(ROOT, folder, ignore=leave)
    if (ROOT / ".venv").exists():
        (folder / ".venv").symlink_to(ROOT / ".venv", target_is_directory=True)
    return folder


def run_py(folder, *arguments: str, **environment: str) -> Program:
    return Program(sys.executable, "run.py", *arguments, cwd=folder, **environment)


@pytest.fixture(scope="module")
def launched(copy):
    """A session on a new local broker, with all programs running."""
    with new_session(copy, "--broker", "local") as program:
        yield program


@contextlib.contextmanager
def new_session(folder, *arguments: str):
    """`python run.py` with these arguments, on brokers without data, of the Kafka that `--kafka` chooses; ready."""
    subprocess.run([sys.executable, "run.py", "clean"], cwd=folder, check=True)
    program = run_py(folder, *versions.options(), *arguments)
    try:
        program.wait_for(READY)
        yield program
    finally:
        program.process.terminate()
        program.wait()
        program.kill()


def nothing_is_left() -> bool:
    return not any(port_holder(port) for port in PORTS)
