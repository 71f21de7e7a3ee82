"""Docker's containers on this machine: whose they are, and which of them publishes a port."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass

import settings
from plumbing import Problem, child

PATIENCE_SECONDS = 10.0  # for an answer from the engine
FILE = "docker-compose.yml"
PROJECTS = {
    FILE: "hands-on-kafka",
    "docker-compose.cluster.yml": "hands-on-kafka-cluster",
    "docker-compose.kafka4.yml": "hands-on-kafka-4",
}
PROJECT_LABEL = "com.docker.compose.project"
NAMES = ("kafka", "kafdrop", "kafka-0", "kafka-1", "kafka-2")  # the containers in the compose files


def compose_command(file: str) -> str:
    """How a user types it in the project's folder."""
    return "docker compose" if file == FILE else f"docker compose -f {file}"


class NoAnswer(Problem):
    """Docker did not finish in time, or cannot be started."""


@dataclass(frozen=True)
class Container:
    """A container as listed by `docker ps`. `project` is its compose project, or empty."""

    name: str
    image: str
    project: str
    status: str

    def __str__(self) -> str:
        return f"the container {self.name} (image {self.image})"

    @property
    def is_ours(self) -> bool:
        return self.project in PROJECTS.values()

    @property
    def compose(self) -> str:
        """The `docker compose` command for its project; empty for a project that is not ours."""
        files = {project: file for file, project in PROJECTS.items()}
        return compose_command(files[self.project]) if self.is_ours else ""

    @property
    def how_to_end(self) -> str:
        # Stopped only, it would still have its name.
        return f"{self.compose} down" if self.is_ours else f"docker stop {self.name}"

    @property
    def is_starting(self) -> bool:
        """True if its health is not known yet, or it was started within the last minute."""
        return self.status.startswith("Up ") and ("health: starting" in self.status or "second" in self.status)


def docker(*arguments: str, timeout: float = PATIENCE_SECONDS) -> subprocess.CompletedProcess:
    """Run a Docker command in the project's folder. Raises `NoAnswer`."""
    command = [shutil.which("docker") or "docker", *arguments]
    options = child.ONE_OUTPUT | {"stderr": subprocess.PIPE, "timeout": timeout}
    try:
        return subprocess.run(command, cwd=settings.ROOT, env=settings.environment_of_docker(), **options)
    except subprocess.TimeoutExpired:
        what = f"Docker did not finish in {timeout:.0f} s: docker {' '.join(arguments[:6])}"
        raise NoAnswer(what, "docker ps   (answers at once if Docker is well; else restart Docker)") from None
    except OSError as error:
        raise NoAnswer(f"docker cannot be started: {error}", "docker ps   (shows whether it works)") from error


def publishing(port: int) -> Container | None:
    """The running container that publishes this port; None if there is none, or Docker does not answer."""
    return next(iter(_listed(f"publish={port}")), None)


def of_others() -> list[Container]:
    """The containers of other projects, running or not, that have one of our names."""
    return [container for container in _with_our_names() if not container.is_ours]


def ended_of_ours() -> list[Container]:
    """The containers of this project that have ended by themselves or were stopped."""
    return [one for one in _with_our_names() if one.is_ours and one.status.startswith("Exited")]


def _with_our_names() -> list[Container]:
    listed = _listed(*(f"name=^/{name}$" for name in NAMES), every=True)
    return [container for container in listed if container.name in NAMES]


def named(name: str) -> Container | None:
    """The container of this name, running or not."""
    return next((one for one in _listed(f"name=^/{name}$", every=True) if one.name == name), None)


def _listed(*filters: str, every: bool = False) -> list[Container]:
    if not shutil.which("docker"):
        return []
    options = [*(["--all"] if every else []), *(f"--filter={one}" for one in filters)]
    try:
        done = docker("ps", *options, "--format", "{{json .}}")
    except NoAnswer:
        return []
    return [_container(json.loads(line)) for line in done.stdout.splitlines() if line.startswith("{")]


def _container(listed: dict) -> Container:
    project = re.search(rf"(?:^|,){re.escape(PROJECT_LABEL)}=([^,]*)", listed.get("Labels") or "")
    return Container(listed["Names"], listed["Image"], project[1] if project else "", listed["Status"])
