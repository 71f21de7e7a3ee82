"""The compose project: Apache Kafka in Docker, and Kafdrop beside it."""

import shutil
import subprocess

from brokers import Broker, NotAvailable, Progress
from settings import ROOT

PATIENCE_SECONDS = 10.0  # for an answer of the engine
START_SECONDS = 600.0  # the first start pulls two images, about 500 MB

KNOWN_FAILURES = [  # parts of Docker's message -> what to type next
    (
        ("port is already allocated", "address already in use", "ports are not available"),
        "python run.py doctor",
    ),
    (("no such host", "timeout", "tls", "connection refused", "network is unreachable"), "check the network"),
    (
        ("pull access denied", "not found", "manifest unknown"),
        "check the image: KAFKA_IMAGE, docker-compose.yml",
    ),
    (("no space left on device",), "docker system prune"),
    (("unhealthy",), "docker compose logs kafka"),
    (("is already in use by container",), "docker rename kafka kafka-old"),
]


class DockerBroker(Broker):
    """`docker compose up -d --wait` and `docker compose down`; the events stay in the project's volume."""

    bootstrap_servers = "localhost:9092"
    description = "Apache Kafka in Docker, Kafdrop on http://localhost:9000"
    file = "docker-compose.yml"

    @property
    def how_to_start(self) -> str:
        return f"docker compose -f {self.file} up -d --wait"

    def start(self, progress: Progress = print) -> None:
        if problem := engine_problem():
            raise NotAvailable(problem, "start Docker, or: python run.py --broker local")
        progress("docker compose up (the first time this pulls about 500 MB)")
        try:
            done = self.compose("up", "-d", "--wait", "--quiet-pull", timeout=START_SECONDS)
            if done.returncode:
                raise why_it_failed(done.stderr)
        except subprocess.TimeoutExpired:
            self.stop()
            late = f"Docker was not ready after {START_SECONDS:.0f} s"
            raise NotAvailable(late, f"docker compose -f {self.file} up -d --wait   (shows why)") from None
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self.compose("down", timeout=60)

    def compose(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess:
        return _docker("compose", "-f", self.file, *arguments, timeout=timeout)


def engine_problem() -> str:
    """Why Docker cannot be used, empty if an engine with the compose plugin answers."""
    if not shutil.which("docker"):
        return "Docker is not installed"
    try:
        engine = _docker("info", "--format", "{{.OSType}}", timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        return f"Docker is installed, but its engine did not answer in {PATIENCE_SECONDS:.0f} s"
    if engine.returncode or not engine.stdout.strip():
        return "Docker is installed, but its engine is not running"
    if engine.stdout.strip() != "linux":
        return "Docker is set to Windows containers, and Kafka needs Linux ones"
    if _docker("compose", "version", timeout=PATIENCE_SECONDS).returncode:
        return "Docker runs, but its compose plugin is missing"
    return ""


def why_it_failed(stderr: str) -> NotAvailable:
    """Docker's last line, and what to type next."""
    words = [line.strip() for line in stderr.splitlines() if line.strip()] or ["no output"]
    hint = next(
        (hint for signs, hint in KNOWN_FAILURES if any(sign in stderr.lower() for sign in signs)),
        "docker compose up -d --wait",
    )
    return NotAvailable(f"docker compose failed: {words[-1]}", f"{hint}; or: python run.py --broker local")


def _docker(*arguments: str, timeout: float) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["docker", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
    )
