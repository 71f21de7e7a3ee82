"""What a failure of Docker means, and what to do: for run.py and for the batch files. Standard library only, because
start_kafka.bat comes before the packages.

    python -m brokers.explain docker compose up -d --wait kafka      run that, and explain it if it fails
"""

import re
import shutil
import subprocess
import sys

import settings
from brokers import NotAvailable, failures
from brokers.containers import FILE, NoAnswer, compose_command, docker, named
from plumbing import Problem

FILE_OF_4 = "docker-compose.kafka4.yml"
NOT_INSTALLED, INSTALL = "Docker is not installed", "install Docker Desktop"
ALLOW_USER = "sudo usermod -aG docker $USER, then log in again"
START_DOCKER = "start Docker Desktop, or on Linux: sudo systemctl start docker; wait until its engine runs"
LINUX_CONTAINERS = "right-click Docker's whale, Switch to Linux containers"
UPDATE = "update Docker Desktop, or install docker-compose-plugin"
WITHOUT = "python run.py --broker local"
RENAME = "docker rename {name} {name}-old"  # frees the name of another project's container, and loses nothing
NO_NETWORK = r"no such host|timeout|\btls\b|connection refused|network is unreachable|connection reset|proxyconnect"
LOGS = "{compose} logs {name}"
# What Docker's message contains -> what to type next; the first that fits counts. {compose}: with the file that it is
# about; {image}: where the image is named.
KNOWN_FAILURES = [
    (r"permission denied.*docker", ALLOW_USER),
    (r"Docker daemon|error during connect|dockerDesktop\w*Engine|docker_engine", START_DOCKER),
    (r"windows/amd64|cannot be used on this platform", LINUX_CONTAINERS),
    (r"unknown flag: --wait|is not a docker command|unknown shorthand flag", UPDATE),
    (r"toomanyrequests|rate limit", "docker login, or wait some hours: the registry limits how much is pulled"),
    (
        r"getting credentials|docker-credential",
        "remove the line with credsStore from .docker/config.json in your home folder",
    ),
    (r"no space left on device", "make room: delete files, or docker image prune; Docker Desktop has a limit, too"),
    (
        r"forbidden by its access permissions",
        "the system has reserved that port; as administrator: net stop winnat, then net start winnat",
    ),
    (r"port is already allocated|address already in use|ports are not available", "python run.py doctor"),
    (r'name "/(?P<name>[^"]+)" is already in use', "{owner}"),
    (r"container (?P<name>\S+) (is unhealthy|exited)|unhealthy", LOGS),
    (r"no such container|is not running", "start_kafka.bat, or {compose} up -d --wait"),
    (r"node assignment|Connection to node", "if Kafka has just started: once more, in ten seconds"),
    (
        r"invalid (reference|tag) format|(?<!permission )denied|unauthorized|manifest unknown|not found|no matching",
        "check the image: {image}",
    ),
    (NO_NETWORK, "check the network; another registry can be named with KAFKA_IMAGE"),
]
PORT = re.compile(r"(?:Bind for|listen tcp4?|bind host port(?: for)?|exposing port TCP) \S*?:(\d+)")


def engine_problem() -> Problem | None:
    """Why Docker cannot be used, and what helps; None if an engine with the compose plugin answers."""
    if not shutil.which("docker"):
        return Problem(NOT_INSTALLED, INSTALL)
    try:
        engine = docker("info", "--format", "{{.OSType}}")
        if "permission denied" in engine.stderr:
            return Problem("Docker is installed, but this user may not use it (permission denied)", ALLOW_USER)
        if "context" in engine.stderr and "not found" in engine.stderr:
            hint = "unset DOCKER_CONTEXT, or: docker context use default"
            return Problem(f"Docker's context does not exist: {last_line(engine.stderr)}", hint)
        if "podman" in engine.stderr.lower():
            return Problem("docker is podman here, and these containers need Docker's engine", "install Docker")
        if engine.returncode or not engine.stdout.strip():
            return Problem("Docker is installed, but its engine is not running", START_DOCKER)
        if engine.stdout.strip() != "linux":
            return Problem("Docker is set to Windows containers, and Kafka needs Linux ones", LINUX_CONTAINERS)
        if docker("compose", "version").returncode:
            return Problem("Docker runs, but its compose plugin is missing", UPDATE)
    except NoAnswer as late:
        return Problem(f"Docker is installed, but its engine did not answer: {late}", late.hint)
    return None


def why_it_failed(stderr: str, file: str = FILE, without: str = WITHOUT, more: str = "") -> NotAvailable:
    """Docker's last line, and what to type next; `more` is what shows more of a failure that is not known here."""
    what, compose = f"docker failed: {last_line(stderr)}", compose_command(file)
    if (port := PORT.search(stderr)) and (holder := _port_holder(int(port[1]))):
        # The local broker needs the same port.
        return NotAvailable(f"{what} (port {port[1]}: {holder})", f"end it ({holder.how_to_end})")
    image = file if file == FILE_OF_4 else f"KAFKA_IMAGE, {file}"  # which Kafka 4 does not read
    for sign, remedy in KNOWN_FAILURES:
        if found := re.search(sign, stderr, re.IGNORECASE):
            name = found.groupdict().get("name") or ""
            if remedy == LOGS and (known := why_it_ended(name, compose)):
                return NotAvailable(f"{what}: {known.what}", known.remedy, without)
            words = {"compose": compose, "image": image, "name": name, "owner": "{owner}" in remedy and _free(name)}
            return NotAvailable(what, remedy.format(**words).rstrip(), without)
    return NotAvailable(what, more or f"{compose} up -d --wait   (shows more)", without)


def why_it_ended(name: str, compose: str) -> failures.Failure | None:
    """Why the Kafka in this container ended, if its log has a known reason; `compose` is the command of its project."""
    try:
        written = docker("logs", "--tail", "300", name) if name else None
    except NoAnswer:
        return None
    text = written.stdout + written.stderr if written else ""
    return failures.of_container(text, f"{compose} down -v   (wipes the events in Docker)")


def _free(name: str) -> str:
    """What frees the name of this container: it may be that of Kafka 4."""
    if (owner := named(name)) and owner.is_ours:
        return f"{owner.how_to_end}   (ends the other Kafka of this project)"
    return f"{RENAME.format(name=name)}   (another project's container has that name)"


def _port_holder(port: int):
    try:
        from brokers.ports import port_holder
    except ImportError:  # it needs psutil
        return None
    return port_holder(port)


def last_line(stderr: str) -> str:
    return ([line.strip() for line in stderr.splitlines() if line.strip()] or ["no output"])[-1]


def main(command: list[str]) -> int:
    """Run this command of Docker; returns its exit code. If it fails, what to do follows its own words."""
    program = shutil.which(command[0])
    if not program:
        print(f"{NOT_INSTALLED}\n  -> {INSTALL}; or without Docker: python run.py", flush=True)
        return 1
    environment, words = settings.environment_of_docker(), b""
    with subprocess.Popen([program, *command[1:]], cwd=settings.ROOT, env=environment, stderr=subprocess.PIPE) as done:
        assert done.stderr is not None
        for line in done.stderr:
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()
            words += line
    if done.returncode:
        more = "docker logs kafka" if "exec" in command else ""
        reason = why_it_failed(words.decode(errors="replace"), without="python run.py", more=more)
        if "(shows more)" in reason.remedy and (problem := engine_problem()):
            print(f"\n{problem}\n  -> {problem.hint}", flush=True)
        else:
            print(f"\n{reason}\n  -> {reason.hint}", flush=True)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
