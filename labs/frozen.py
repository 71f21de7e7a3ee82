"""A broker that does not respond for a while, for the programs of the labs."""

import contextlib

import psutil

from brokers import docker, local
from plumbing.waiting import wait_until

SUSPEND_SECONDS = 5.0
PROJECTS = (docker.DockerBroker(), docker.DockerBrokerOf4())


@contextlib.contextmanager
def frozen_broker():
    """Suspend the broker (its process or its container) during this block: it handles incoming requests only
    afterwards."""
    if pid := local.running():
        process = psutil.Process(pid)
        process.suspend()
        # On a busy computer, its threads run on for some milliseconds.
        wait_until(lambda: process.status() == psutil.STATUS_STOPPED, SUSPEND_SECONDS, pause=0.01)
        resume = process.resume
    elif not docker.engine_problem() and (project := next((one for one in PROJECTS if _compose(one, "pause")), None)):
        resume = lambda: _compose(project, "unpause")  # noqa: E731
    else:
        raise SystemExit("This needs a broker started on this machine by python run.py or docker compose.")
    try:
        yield
    finally:
        resume()


def _compose(project: docker.DockerBroker, command: str) -> bool:
    """Through the project, because another project may have a container called kafka."""
    return project.compose(command, "kafka").returncode == 0
