"""The commands of `run.py`."""

import argparse
import os
import re
import subprocess
import sys

from launcher import setup, terminal
from plumbing import Problem
from settings import BOOTSTRAP_SERVERS, ROOT

BROKERS = ("docker", "local", "secured", "simulated")
PULL_SECONDS = 1800
KAFKA_COMMANDS = (
    "kafka-topics",
    "kafka-consumer-groups",
    "kafka-console-consumer",
    "kafka-console-producer",
    "kafka-get-offsets",
    "kafka-configs",
)


def main(arguments: list[str], usage: str) -> int:
    """Run the command; gives the exit code. What a person has to mend is said in one line, with the fix."""
    terminal.prepare()
    try:
        return _dispatch(arguments, usage)
    except Problem as problem:
        terminal.complain(str(problem), problem.hint)
        return 1
    except KeyboardInterrupt:
        return 130


def _dispatch(arguments: list[str], usage: str) -> int:
    command = arguments[0] if arguments and not arguments[0].startswith("-") else ""
    if command == "test":
        setup.enter("requirements-dev.txt")
        # Two processes, because most tests wait for something to happen; tests/conftest.py says which keep together.
        return _call("-m", "pytest", "--numprocesses", "2", *arguments[1:])
    if command == "bench":
        setup.enter("requirements-bench.txt")
        return _call("-m", "bench", *arguments[1:])
    if lab := re.fullmatch(r"labs[/\\](\w+)\.py", command):
        setup.enter("requirements-labs.txt")
        return _lab(lab[1], arguments[1:])
    if command == "check":
        setup.enter("requirements-labs.txt")
        return _check(arguments[1:])
    if command == "prepare":
        setup.enter("requirements-labs.txt")
        return _with_brokers(_prepare)
    if command in KAFKA_COMMANDS:
        setup.enter("requirements.txt")
        return _with_brokers(lambda: _kafka_command(command, arguments[1:]))
    options = _parser(usage).parse_args(arguments)
    setup.enter("requirements.txt")
    return _with_brokers(lambda: _COMMANDS[options.command](options))


def _call(*arguments: str) -> int:
    """Run Python with these arguments in the project's folder; its exit code."""
    utf8 = {"PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
    return subprocess.call([sys.executable, *arguments], cwd=ROOT, env={**os.environ, **utf8})


def _lab(name: str, arguments: list[str]) -> int:
    """Run a program of the labs. Raises `Problem` when there is none of this name, or no broker for it."""
    from brokers import answers
    from labs import cluster, secured

    if not (ROOT / "labs" / f"{name}.py").exists():
        raise Problem(f"there is no labs/{name}.py", "python run.py check   (the labs; their pages are in labs/)")
    secured.act_as("learner")
    if "-h" not in arguments and not answers(cluster.BOOTSTRAP_SERVERS, cluster.BROKER_SECONDS):
        raise Problem(
            f"no broker answers on {cluster.BOOTSTRAP_SERVERS}",
            "python run.py in another terminal, then the same again",
        )
    return _call("-m", "labs", name, *arguments)


def _check(arguments: list[str]) -> int:
    from launcher import check

    return check.main(arguments)


def _prepare() -> int:
    """Fetch all that `run.py` and the labs would fetch later: for a room without network."""
    from brokers import docker, jars, local
    from brokers.cluster import DockerCluster

    terminal.say("packages", "all installed")
    with terminal.progress("kafka", "looking for its jars") as report:
        count = len(jars.ensure(report))
    terminal.say("kafka", f"Apache Kafka {jars.kafka_version()}: {count} jars, verified")
    terminal.say("java", local.find_java()[0])
    if problem := docker.engine_problem():
        terminal.say("docker", f"{problem}: its images are not needed then")
    else:
        with terminal.progress("docker", "pulling the images"):
            for broker in (docker.DockerBroker(), DockerCluster()):
                done = broker.compose("pull", "--quiet", timeout=PULL_SECONDS)
                if done.returncode:
                    what = f"an image of {broker.file} cannot be pulled: {done.stderr.strip()}"
                    raise Problem(what, "python run.py prepare   (once more)")
        terminal.say("docker", "all images are here")
    terminal.say("ready", "from now on, no network is needed: python run.py")
    return 0


def _parser(usage: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run.py", usage=usage, add_help=False)
    parser.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)
    parser.add_argument("command", nargs="?", default="start", choices=sorted(_COMMANDS), help=argparse.SUPPRESS)
    parser.add_argument("--broker", default="", choices=BROKERS, help=argparse.SUPPRESS)
    parser.add_argument("--brokers", type=int, default=1, choices=[1, 3], help=argparse.SUPPRESS)
    return parser


def _with_brokers(command) -> int:
    """Call it; a broker that cannot be had is a `Problem` like any other."""
    from brokers import Problem

    try:
        return command()
    except Problem as error:
        raise Problem(str(error), error.hint) from error


def _start(options: argparse.Namespace) -> int:
    from launcher import session

    return session.main(options.broker, options.brokers)


def _topic(_options) -> int:
    from launcher import session

    terminal.say("topic", session.create_topic(BOOTSTRAP_SERVERS))
    return 0


def _doctor(_options) -> int:
    from launcher import doctor

    return doctor.main()


def _clean(_options) -> int:
    import shutil

    from brokers import local

    if pid := local.running():
        raise Problem(f"the local broker is running (pid {pid})", "quit it first (quit, or Ctrl+C in its terminal)")
    if local.FOLDER.exists():
        shutil.rmtree(local.FOLDER)
        terminal.say("clean", f"removed {local.FOLDER.name}/ with the local broker's data")
    else:
        terminal.say("clean", "there was no data of a local broker")
    return 0


def _kafka_command(name: str, arguments: list[str]) -> int:
    from brokers import local

    return local.run_command(name, arguments)


_COMMANDS = {"start": _start, "doctor": _doctor, "topic": _topic, "clean": _clean}
