"""The profile `apps` on a real engine: the programs in containers, on ports of their own."""

import pytest
import requests

from brokers import docker
from tests.docker.conftest import stands_in
from tests.docker.test_compose_project import Project
from tests.programs import LIKE_LOGGED, answers, wait_until

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(bool(docker.engine_problem()), reason=f"start Docker: {docker.engine_problem()}"),
    pytest.mark.timeout(900),  # the first time the images are pulled, and one is built
]


@pytest.fixture(scope="module")
def apps(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("apps"))
    try:
        build = "--no-build" if stands_in() else "--build"
        project.compose("--profile", "apps", "up", "-d", "--wait", build)
        yield project
    except AssertionError as failed:
        raise AssertionError(f"{failed}\n{project.compose('--profile', 'apps', 'logs', '--tail=20')}") from None
    finally:
        project.compose("--profile", "apps", "down", "--volumes")


def owned(apps: Project, number: int) -> list[int]:
    """The partitions of a consumer, by its /status; none if it does not answer."""
    try:
        answer = requests.get(f"http://127.0.0.1:{apps.ports[5001 + number]}/status", timeout=10)
    except requests.ConnectionError:
        return []
    return answer.json()["assignment"]


def test_likes_come_out_of_the_consumers(apps):
    url = f"http://127.0.0.1:{apps.ports[5001]}/like"
    orders = {requests.post(url, timeout=20).json()["order"] for _ in range(6)}

    def logged() -> set[int]:
        lines = apps.compose("logs", "--no-log-prefix", "consumer-1", "consumer-2", "consumer-3").splitlines()
        return {int(found["order"]) for line in lines if (found := LIKE_LOGGED.search(line))}

    wait_until(lambda: orders <= logged(), "the likes in the consumers' logs")


def test_docker_compose_stop_is_a_clean_leave_and_start_brings_it_back(apps):
    apps.compose("stop", "consumer-1")
    wait_until(lambda: sorted(owned(apps, 2) + owned(apps, 3)) == [0, 1, 2], "the partitions at the other two")
    assert "Exited (0)" in apps.compose("ps", "--all", "consumer-1")
    apps.compose("start", "consumer-1")
    wait_until(lambda: all(len(owned(apps, number)) == 1 for number in (1, 2, 3)), "a partition for each")


def test_a_restart_brings_the_programs_back(apps):
    """Of the container whose network they share, and of all, with the broker."""
    page = f"http://127.0.0.1:{apps.ports[8501]}/_stcore/health"
    for names in (["computer"], []):
        apps.compose("--profile", "apps", "restart", *names)
        wait_until(lambda: all(len(owned(apps, number)) == 1 for number in (1, 2, 3)), "a partition for each")
        wait_until(lambda: answers(page), "the page")
