"""The compose project: Apache Kafka in Docker, and Kafdrop beside it."""

import contextlib
import shutil
import subprocess

import settings
from brokers import Broker, NotAvailable, Progress
from brokers.compose import SINGLES
from brokers.containers import PROJECTS, NoAnswer, compose_command, docker
from brokers.explain import PORT, WITHOUT, engine_problem, last_line, why_it_failed
from brokers.jars import CURRENT
from brokers.ports import port_holder
from plumbing import Problem

START_SECONDS = 600.0  # the first start pulls two images, about 500 MB
STOP_SECONDS = 90.0  # a container has 30 s to end
PULL_SECONDS = 1800.0
KAFDROP = "kafdrop"


class DockerBroker(Broker):
    """`docker compose up -d --wait` and `docker compose down`; the events stay in the project's volume. Containers that
    were running before are left running."""

    bootstrap_servers = "localhost:9092"
    title = "Apache Kafka in Docker"
    file = "docker-compose.yml"
    services = ("kafka",)
    without = WITHOUT

    def __init__(self):
        self._before: list[str] | None = None  # the services that were running before `start`

    @property
    def description(self) -> str:  # type: ignore[override]
        stays = set(self.services) <= set(self._before or ())
        return f"{self.title}; it was already running, and keeps running after quit" if stays else self.title

    @property
    def how_to_start(self) -> str:  # type: ignore[override]
        return f"docker compose -f {self.file} up -d --wait {' '.join(self.services)}"

    def start(self, progress: Progress = print) -> None:
        if problem := engine_problem():
            raise NotAvailable(str(problem), problem.hint, self.without)
        self._before = self.running()
        progress("docker compose up (the first time this pulls about 500 MB)")
        try:
            self.bring_up(*self.services)
        except NotAvailable:
            with contextlib.suppress(Problem):
                self._end("stop", *self.services)  # not removed: `docker compose logs` says why they did not start
            raise
        except BaseException:
            with contextlib.suppress(Problem):
                self.stop()
            raise
        self._start_kafdrop(progress)

    def bring_up(self, *services: str) -> None:
        """Return when they are healthy. Raises `NotAvailable`."""
        try:
            done = self.compose("up", "-d", "--wait", "--quiet-pull", *services, timeout=START_SECONDS)
        except NoAnswer:
            late = f"Docker was not ready after {START_SECONDS:.0f} s"
            raise NotAvailable(late, f"{self.how_to_start}   (shows why)", self.without) from None
        if done.returncode:
            raise why_it_failed(done.stderr, self.file, self.without)

    def _start_kafdrop(self, progress: Progress) -> None:
        """Kafdrop is a view on Kafka that nothing here needs: it is not waited for, and can be missing."""
        port = settings.KAFDROP_PORT
        other = "set KAFDROP_PORT to a free port for the next start, or do without"
        if KAFDROP not in (self._before or ()) and (holder := port_holder(port)):
            self.missing = [Problem(f"Kafdrop was not started: port {port} is taken by {holder}", other)]
            return
        progress("starting Kafdrop")
        try:
            done = self.compose("up", "-d", "--no-deps", "--quiet-pull", KAFDROP, timeout=START_SECONDS)
        except NoAnswer as late:
            self.missing = [Problem(f"Kafdrop was not started: {late}", "nothing: the lessons do without it")]
            return
        if done.returncode:
            reason = why_it_failed(done.stderr, self.file)
            hint = other if PORT.search(done.stderr) else f"{reason.remedy}; the lessons do without it"
            self.missing = [Problem(f"Kafdrop was not started: {reason}", hint)]
            return
        self.kafdrop = f"http://localhost:{port}"

    def stop(self) -> None:
        if self._before:
            self._end("stop", *self.services, KAFDROP)
        elif self._before is not None:
            self._end("down")

    def _end(self, verb: str, *services: str) -> None:
        """Stop those of them that were not running before; `down` without names is for all. Raises `Problem`."""
        started = [name for name in services if name not in (self._before or ())]
        if started or not services:
            self.carry_out(verb, *started, timeout=STOP_SECONDS)

    def running(self) -> list[str]:
        """The services of the project that run. Raises `Problem`."""
        return self.carry_out("ps", "--status", "running", "--services").split()

    def carry_out(self, *arguments: str, timeout: float = STOP_SECONDS) -> str:
        """What this command of compose prints. Raises `Problem` if it fails."""
        done = self.compose(*arguments, timeout=timeout)
        if done.returncode:
            compose = compose_command(self.file)
            hint = "docker ps   (shows what still runs)"
            if problem := engine_problem():
                hint = f"{problem.hint}; if containers of this project then run: {compose} down"
            raise Problem(f"Docker failed at {compose} {' '.join(arguments)}: {last_line(done.stderr)}", hint)
        return done.stdout

    def compose(self, *arguments: str, timeout: float = STOP_SECONDS) -> subprocess.CompletedProcess:
        return docker("compose", "-f", self.file, *arguments, timeout=timeout)

    def fetch_images(self) -> None:
        """Pull the images that are not here. Raises `Problem`."""
        done = self.compose("pull", "--quiet", "--policy", "missing", timeout=PULL_SECONDS)
        if "unknown flag" in done.stderr:  # Compose before 2.22
            done = self.compose("pull", "--quiet", timeout=PULL_SECONDS)
        if done.returncode:
            reason = why_it_failed(done.stderr, self.file)
            what = f"an image of {self.file} cannot be pulled: {last_line(done.stderr)}"
            raise Problem(what, f"{reason.remedy}, then: python run.py prepare")


class DockerBrokerOf4(DockerBroker):
    """The compose project of Kafka 4."""

    title = "Apache Kafka 4 in Docker"
    file = SINGLES[CURRENT].file.name
    without = "python run.py --kafka 4 --broker local"


def kept() -> list[str]:
    """What wipes the events that Docker keeps for this project; nothing if it keeps none, or does not answer."""
    commands = []
    for file, project in PROJECTS.items():
        with contextlib.suppress(NoAnswer):
            label = f"label=com.docker.compose.project={project}"
            if shutil.which("docker") and docker("volume", "ls", "--quiet", "--filter", label).stdout.strip():
                commands.append(f"{compose_command(file)} down -v")
    return commands
