"""Fixtures for the tests of the batch files: cmd.exe, and copies of the project in folders with awkward names."""

import os
import shutil
import socket
import subprocess

import pytest

from tests.windows import wine_bench
from tests.windows.shell import ON_WINDOWS, Fake, Shell, copy_project

PROGRAM_PORTS = (5001, 5002, 5003, 5004, 8501)


@pytest.fixture(scope="session")
def bench():
    """On Windows nothing; on Linux Wine, with a display for the windows, for this session alone."""
    if ON_WINDOWS:
        yield
        return
    if not os.environ.get("WINE_TESTS"):
        pytest.skip("needs Windows; in Wine, which takes five minutes: set WINE_TESTS=1")
    if not shutil.which("wine") or not wine_bench.is_built():
        pytest.skip("needs Windows, or on Debian 12 as root: python tests/windows/wine_bench.py")
    import fcntl

    with (wine_bench.home() / "in-use").open("w") as lock, pytest.MonkeyPatch.context() as patch:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the end of one session ends all programs in the bench
        screen = ["-screen", "0", "1600x1000x24"]
        display = subprocess.Popen(["Xvfb", "-displayfd", "1", *screen], stdout=subprocess.PIPE, text=True)
        patch.setenv("DISPLAY", ":" + display.stdout.readline().strip())
        subprocess.run(["wineserver", "--persistent"], env=wine_bench.environment())
        # Wine's services come with the first program and its desktop with the first window. They inherit that
        # program's output; were it a pipe, its reader would wait for them.
        nothing = dict.fromkeys(["stdin", "stdout", "stderr"], subprocess.DEVNULL)
        first = ["wine", "cmd", "/c", "start", "/wait", "cmd", "/c", "exit"]
        subprocess.run(first, env=wine_bench.environment(), **nothing)
        yield
        subprocess.run(["wineserver", "--kill"], env=wine_bench.environment())
        display.terminate()
        display.wait()
        display.stdout.close()


@pytest.fixture
def shell(bench, tmp_path):
    folder = tmp_path / "shell"
    folder.mkdir()
    return Shell(folder)


@pytest.fixture
def project(tmp_path):
    """A folder with a blank in its name that holds what the batch files need."""
    return copy_project(tmp_path / "hands on kafka")


@pytest.fixture
def docker(shell, tmp_path):
    """A docker.exe that is on the PATH when its folder is, and that succeeds at everything."""
    return Fake(shell, tmp_path / "docker", "docker", "docker.py", answers=[])


@pytest.fixture
def free_ports():
    """The batch files know their ports by heart, so a running project would disturb the tests, and they it."""
    for port in PROGRAM_PORTS:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                pytest.skip(f"port {port} is in use: end the five programs first")
