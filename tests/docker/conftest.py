"""Which Docker tests the current engine can run."""

import os
import subprocess

import pytest

from tests.docker.stand_in.engine import LABEL
from tests.end_to_end.conftest import copy

__all__ = ["copy"]
COMPOSE_FILES = ("docker-compose.yml", "docker-compose.cluster.yml")


def docker(*arguments: str, code: int = 0) -> str:
    """What this command of Docker prints; fails unless it exits with `code`."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=180)
    assert done.returncode == code, f"docker {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


def stands_in() -> bool:
    """True if the engine is that of --stand-in."""
    return LABEL in docker("info", "--format", "{{.Labels}}")


@pytest.fixture
def true_kafdrop():
    if stands_in():
        pytest.skip("what answers on Kafdrop's port is no Kafdrop: pull its image, on another engine")


@pytest.fixture
def learners_project(copy):
    """The compose projects under their own names, without data; returns the project's folder. Existing events are
    wiped, so use only an engine without any."""
    if not (stands_in() or os.environ.get("CI")):
        pytest.skip("it wipes the events of the compose project: --stand-in runs it on another engine")

    def wipe():
        for file in COMPOSE_FILES:
            docker("compose", "-f", str(copy / file), "down", "--volumes", "--timeout", "2")

    wipe()
    yield copy
    wipe()
