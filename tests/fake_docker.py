"""A `docker` on the PATH that answers as a test says, in the words of a real engine."""

import ast
import json
import os
import sys
from pathlib import Path

PLAYER = Path(__file__).with_name("docker_player.py")
ENGINE = [{"to": "info", "says": "linux"}]

# The wording of Docker Engine 26 to 28 and Compose 2.40.
NAME_TAKEN = (
    'Error response from daemon: Conflict. The container name "/{name}" is already in use by container "5f3a9c". '
    "You have to remove (or rename) that container to be able to reuse that name."
)
PORT_TAKEN = (
    "Error response from daemon: failed to set up container networking: driver failed programming external "
    "connectivity on endpoint x (1a2b): Bind for 127.0.0.1:{port} failed: port is already allocated"
)
DENIED = (
    "Error response from daemon: pull access denied for nobody/kafka, repository does not exist or may require "
    "'docker login': denied: requested access to the resource is denied"
)
DENIED_SHORT = "Error response from daemon: error from registry: denied"
INVALID = "unable to get image 'Kafka 3': Error response from daemon: invalid reference format"
UNHEALTHY = "dependency failed to start: container {name} is unhealthy"
NO_ENGINE = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
NO_PERMISSION = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock"


def container(name: str, project: str = "", status: str = "Up 2 hours", image: str = "someone/kafka:3.9") -> str:
    """A line of `docker ps --format "{{json .}}"`."""
    labels = f"maintainer=someone,com.docker.compose.project={project},com.docker.compose.service=x" if project else ""
    return json.dumps({"Names": name, "Image": image, "Labels": labels, "Status": status, "State": "running"})


def failing(to: str, words: str) -> dict:
    """An answer: calls that begin with `to` fail with these words."""
    return {"to": to, "code": 1, "says": words}


class FakeDocker:
    """The program and its script, in `folder`."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        program = folder / "docker"
        program.write_text(f"#!{sys.executable}\n{PLAYER.read_text(encoding='utf-8')}", encoding="utf-8")
        program.chmod(0o755)
        self.play()

    def play(self, *answers: dict) -> None:
        """Set the answers. Other calls succeed and print nothing; the engine answers."""
        (self.folder / "docker.scenario").write_text(repr({"answers": [*answers, *ENGINE]}), encoding="utf-8")

    @property
    def path(self) -> str:
        """A PATH on which it comes first."""
        return os.pathsep.join([str(self.folder), os.environ["PATH"]])

    def log(self) -> list[dict]:
        file = self.folder / "docker.log"
        return [ast.literal_eval(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []

    def calls(self, about: str = "compose") -> list[str]:
        """The calls so far that begin with this; those of compose without the name of the file."""
        calls = [entry["call"] for entry in self.log() if entry["call"].startswith(about)]
        return [call.replace("compose -f docker-compose.yml ", "compose ") for call in calls]
