"""Fixtures for the tests of the batch files: cmd.exe, and copies of the project in folders with awkward names."""

import contextlib
import os
import shutil
import socket
import subprocess

import pytest

from brokers.lock import wait_for
from launcher.windows import WINDOWS
from tests.windows import wine_bench
from tests.windows.shell import ON_WINDOWS, Docker, Shell, copy_project

WINE_SECONDS = 180
NOTHING = dict.fromkeys(["stdin", "stdout", "stderr"], subprocess.DEVNULL)


def refuse(reason: str) -> None:
    """Skip; but fail where these tests were asked for: there is no excuse on a machine that checks changes."""
    if os.environ.get("WINE_TESTS") or os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def bench():
    """On Windows nothing; on Linux Wine, with a display for the windows, for this session alone."""
    if ON_WINDOWS:
        yield
        return
    if not os.environ.get("WINE_TESTS"):
        pytest.skip("needs Windows; in Wine, which takes minutes: set WINE_TESTS=1")
    if not shutil.which("wine") or not wine_bench.is_built():
        pytest.fail("on Debian 12 as root, type: .venv/bin/python tests/windows/wine_bench.py")
    try:
        socket.getaddrinfo("localhost", 9092, socket.AF_INET, flags=socket.AI_ADDRCONFIG)  # as librdkafka asks
    except OSError:
        pytest.fail("Windows programs find localhost only where there is a network: ip address add 10.0.0.1/32 dev lo")
    # The end of one session ends all programs in the bench, so another one has to wait.
    with wait_for(wine_bench.home() / "in-use"), display() as number, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", number)
        end_all_programs()  # of a session that was killed
        try:
            subprocess.run(["wineserver", "--persistent"], env=wine_bench.environment(), timeout=WINE_SECONDS)
            # Wine's services come with the first program and its desktop with the first window; they stay as long as
            # this one does. They inherit a program's output: were it a test's pipe, its reader would wait for them.
            first = ["wine", "cmd", "/c", "start", "/wait", "cmd", "/c", "start", "cmd", "/k"]
            subprocess.run(first, env=wine_bench.environment(), timeout=WINE_SECONDS, **NOTHING)
            yield
        finally:
            end_all_programs()


@contextlib.contextmanager
def display():
    """A screen that nobody sees; gives its name for DISPLAY."""
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1600x1000x24"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as xvfb:
        try:
            number = xvfb.stdout.readline().strip()  # it comes when the display can be used
            assert number, "Xvfb did not start; the reason is above"
            yield f":{number}"
        finally:
            xvfb.terminate()


def end_all_programs() -> None:
    for command in ("--kill", "--wait"):
        subprocess.run(["wineserver", command], env=wine_bench.environment(), timeout=WINE_SECONDS, **NOTHING)


@pytest.fixture
def shell(bench, tmp_path):
    folder = tmp_path / "shell"
    folder.mkdir()
    return Shell(folder)


@pytest.fixture
def project(tmp_path):
    """In a folder with a blank in its name."""
    return copy_project(tmp_path / "hands on kafka")


@pytest.fixture
def docker(shell, tmp_path):
    """A docker.bat that is on the PATH when its folder is, and that succeeds at everything."""
    return Docker(shell, tmp_path / "docker")


@pytest.fixture
def free_ports(bench):
    """The batch files know their ports by heart, so a running project would disturb the tests, and they it."""
    for _command, port, _more in WINDOWS.values():
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                refuse(f"port {port} is in use: end the five programs first")
