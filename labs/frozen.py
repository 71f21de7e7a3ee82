"""A broker that does not answer for a while, for the programs of the labs."""

import contextlib
import subprocess

import psutil

from brokers import docker, local


@contextlib.contextmanager
def frozen_broker():
    """In this block the broker gets what is sent to it, but does nothing: its process is suspended, or its
    container paused. Then it goes on, with what has come in meanwhile."""
    if pid := local.running():
        process = psutil.Process(pid)
        process.suspend()
        thaw = process.resume
    elif not docker.engine_problem() and _docker("pause"):
        thaw = lambda: _docker("unpause")  # noqa: E731
    else:
        raise SystemExit("This needs the broker that python run.py, or docker compose, has started on this machine.")
    try:
        yield
    finally:
        thaw()


def _docker(command: str) -> bool:
    return subprocess.run(["docker", command, "kafka"], capture_output=True, timeout=60).returncode == 0
