"""The commands of `run.py`. Only the standard library is imported before `setup.enter` has the packages."""

import argparse
import functools
import importlib
import inspect
import os
import re
import signal
import sys
from collections.abc import Callable
from typing import NamedTuple

import labs
import settings
from brokers import java
from brokers.jars import LESSONS, VERSIONS
from launcher import setup, terminal, typed
from plumbing import Problem, child, problem_of
from settings import BOOTSTRAP_SERVERS, ROOT

KINDS = ("docker", "local", "secured")
DEV, LABS, BENCH, PROGRAMS = "requirements/dev.txt", "requirements/labs.txt", "requirements/bench.txt", setup.PROGRAMS


class Command(NamedTuple):
    """`python run.py NAME`."""

    help: str
    requirements: str  # the file with the packages it needs
    run: Callable[[argparse.Namespace], int]  # called with the parsed options; returns the exit code
    passes_on: bool = False  # True if the arguments go to the program it runs


def main(arguments: list[str]) -> int:
    """Run the command; returns the exit code. A `Problem` is printed in two lines: what happened, and what to type."""
    terminal.prepare()
    try:
        if hasattr(signal, "pthread_sigmask"):  # setup.py has deferred Ctrl+C until here
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        name, options = parse(arguments)
        setup.enter(COMMANDS[name].requirements)
        return COMMANDS[name].run(options)
    except (Problem, OSError) as error:  # a file, or a program to start
        problem = error if isinstance(error, Problem) else problem_of(error)
        terminal.complain(str(problem), problem.hint)
        return 1
    except KeyboardInterrupt:
        return 130


def parse(arguments: list[str]) -> tuple[str, argparse.Namespace]:
    """The name of the command, and its options. Exits with code 2 if they are wrong. Raises `Problem` for a command of
    the other terminal."""
    if typed.is_for_a_session(arguments):
        what = f"{arguments[0]} is a command for the terminal where run.py runs"
        meant = "quit" if arguments == ["stop"] else " ".join(arguments)
        raise Problem(what, f"type there: {meant}   (python run.py starts it)")
    name = arguments[0].replace("\\", "/").removeprefix("./") if arguments else "start"  # .\labs\click.py
    if name.startswith("labs/"):
        return "labs", argparse.Namespace(module=_module(name), arguments=arguments[1:])
    name = re.sub(r"^(kafka-[a-z-]+)\.(sh|bat)$", r"\1", name)  # as in Kafka's own documents
    if name in COMMANDS and COMMANDS[name].passes_on:
        return name, argparse.Namespace(command=name, arguments=arguments[1:])
    if name not in COMMANDS and not name.startswith("-"):
        _parser().exit(2, f"unknown command {name!r}\n  -> python run.py --help\n")
    options = _parser().parse_args(arguments)
    return options.command or "start", options


def _parser() -> argparse.ArgumentParser:
    layout = functools.partial(argparse.RawDescriptionHelpFormatter, max_help_position=34, width=110)
    parser = argparse.ArgumentParser(prog="python run.py", description=ABOUT, epilog=MORE, formatter_class=layout)
    _add_broker_options(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for name, command in COMMANDS.items():
        if name not in java.COMMANDS_OF_4:
            one = commands.add_parser(name, help=command.help, description=command.help)
            one.set_defaults(arguments=[])
            if name == "start":
                _add_broker_options(one, *[argparse.SUPPRESS] * 3)  # keeps what precedes the command
            if name == "check":
                one.add_argument("lab", nargs="?", help="its number: what is missing in that lab, and why")
            if name == "exercise":
                words = "8 | check 8 [FILE] | check [FOLDER] | hint 8 | list"
                one.add_argument("words", nargs="*", metavar="...", help=words)
            if name == "labs":
                reset = "delete what a lab has left, to repeat it"
                one.add_argument("action", nargs="?", choices=["reset"], help=reset)
                one.add_argument("lab", nargs="?", help="its number: labs reset 4")
    return parser


def _add_broker_options(parser: argparse.ArgumentParser, kind="", count=1, kafka=LESSONS) -> None:
    add = parser.add_argument
    add("--broker", dest="kind", default=kind, choices=KINDS, help="start this one; default: the first available")
    add("--brokers", type=int, default=count, choices=[1, 3], help="three: each has a copy of every like")
    add("--kafka", type=int, default=kafka, choices=VERSIONS, help="3: the one of the lessons; 4: the current Kafka")


def _module(program: str) -> str:
    """The module of a lab program, such as `labs/click.py`. Raises `Problem` if it does not exist."""
    programs = labs.programs()
    if program not in programs:
        file = program.rpartition("/")[2]
        path = next((path for path in programs if path.endswith(f"/{file}")), None)
        hint = f"python run.py {path}" if path else "python run.py labs   (lists them)"
        raise Problem(f"there is no {program}", hint)
    return programs[program]


def _main(module: str) -> Callable[[argparse.Namespace], int]:
    """Calls main() of this module of launcher/, which is imported only then, with the options that it takes."""

    def run(options: argparse.Namespace) -> int:
        main = importlib.import_module(f"launcher.{module}").main
        return main(**{name: getattr(options, name) for name in inspect.signature(main).parameters})

    return run


def _topic(_options) -> int:
    from brokers.topic import create_likes

    terminal.say("topic", create_likes(BOOTSTRAP_SERVERS))
    return 0


def _lab(options: argparse.Namespace) -> int:
    """Run a lab program, list them, or reset a lab. Raises `Problem` if no broker answers."""
    from labs import secured
    from labs.topics import BROKER_SECONDS
    from plumbing.kafka import answers

    if "module" not in options and not options.action:
        terminal.write("\n".join(f"python run.py {path}" for path in labs.programs()))
        return 0
    secured.act_as("learner" if "module" in options else "admin")
    if not {"-h", "--help"} & set(options.arguments) and not answers(BOOTSTRAP_SERVERS, BROKER_SECONDS):
        raise Problem(f"no broker answers on {BOOTSTRAP_SERVERS}", "python run.py in another terminal, then try again")
    if "module" not in options:
        from launcher import reset

        return reset.main(options.lab)
    return _call("-m", "labs", options.module, *options.arguments)


def _test(options: argparse.Namespace) -> int:
    # More processes than cores, because most tests wait; each may need half a gigabyte. tests/scheduling.py keeps
    # some tests together.
    processes = min(3 * (os.cpu_count() or 1), 12)
    return _call("-m", "pytest", "--numprocesses", str(processes), *options.arguments)


def _bench(options: argparse.Namespace) -> int:
    return _call("-m", "bench", *options.arguments)


def _kafka_command(options: argparse.Namespace) -> int:
    try:
        return java.run_command(options.command, options.arguments)
    except java.NoTopic as missing:
        from labs import blocks

        if missing.topic == settings.TOPIC:
            missing.hint = settings.CREATE_TOPIC
        elif program := blocks.program_before(missing.topic):
            missing.hint = f"{program}   (then the same command again)"
        raise


def _prepare(_options) -> int:
    """Fetch everything that `run.py` and the labs would fetch later, for a room without network."""
    from brokers import archive, docker, jars, registry
    from brokers.cluster import DockerCluster

    terminal.say("packages", "all installed")
    for kafka in VERSIONS:
        with terminal.progress("kafka", "looking for its jars") as progress:
            count = len(jars.ensure(progress, kafka))
            archive.make(progress, kafka)
        terminal.say("kafka", f"Apache Kafka {jars.kafka_version(kafka)}: {count} jars, verified")
    with terminal.progress("registry", "looking for its archive (109 MB)") as progress:
        registry.unpacked(progress)
    terminal.say("registry", f"{registry.TITLE}: verified")
    terminal.say("java", java.find_java()[0])
    if problem := docker.engine_problem():
        terminal.say("docker", f"{problem}: its images are not needed")
    else:
        with terminal.progress("docker", "pulling the images that are missing"):
            for broker in (docker.DockerBroker(), DockerCluster(), docker.DockerBrokerOf4()):
                broker.fetch_images()
        terminal.say("docker", "all images are present")
    terminal.say("ready", "from now on, no network is needed: python run.py")
    return 0


def _clean(_options) -> int:
    from brokers import docker, local
    from brokers.explain import NOT_INSTALLED

    if local.wipe():
        terminal.say("clean", f"removed {local.FOLDER.name}/ with the local broker's data")
    else:
        terminal.say("clean", "there was no data of a local broker")
    if (problem := docker.engine_problem()) and str(problem) != NOT_INSTALLED:
        terminal.say("clean", f"what Docker keeps is not known, as {problem}")
    for wipe in docker.kept():
        terminal.say("clean", f"Docker keeps events of its own; to wipe them: {wipe}")
    return 0


def _call(*arguments: str) -> int:
    """Run Python with these arguments in the project's folder; returns its exit code."""
    environment = settings.environment(PYTHONUTF8="1", PYTHONUNBUFFERED="1")
    return child.call([sys.executable, *arguments], cwd=ROOT, env=environment)


ABOUT = "Hands-on Kafka. Without a command: start a broker and the five programs; then type: stop 1, like 5, quit ..."
MORE = f"""examples:
  python run.py --broker local          start everything, on a broker without Docker
  python run.py --brokers 3             start everything, on three brokers; then also: kill kafka-1
  python run.py --kafka 4               start everything, on the current Kafka
  python run.py check 1                 what is missing in lab 1
  python run.py labs/click.py           a program of the labs
  python run.py exercise check 8        judge your program of exercise 8
  python run.py test tests/unit         some of the tests; what follows `test` goes to pytest

Kafka's own command line, without Docker: python run.py kafka-topics --list; and in the same way
{", ".join(list(java.COMMANDS)[1:])};
of Kafka 4 also
{", ".join(name for name in java.COMMANDS_OF_4 if name not in java.COMMANDS)}
"""
COMMANDS = {
    "start": Command("start a broker, the topic and the five programs (the default)", PROGRAMS, _main("start")),
    "check": Command("what you have reached in the labs, asked from the broker", LABS, _main("check")),
    "labs": Command("list the programs of the labs; run one: labs/click.py; repeat a lab: labs reset 4", LABS, _lab),
    "exercise": Command("write a program that a real broker judges: exercise, exercise 8", PROGRAMS, _main("exercise")),
    "registry": Command("start a schema registry beside the broker, for lab 8", PROGRAMS, _main("registry")),
    "prepare": Command("fetch everything beforehand, for a room without network", LABS, _prepare),
    "test": Command("run the tests; arguments go to pytest", DEV, _test, passes_on=True),
    "bench": Command("measure how fast the programs are", BENCH, _bench, passes_on=True),
    "doctor": Command("find what is wrong, and how to fix it", PROGRAMS, _main("doctor")),
    "topic": Command("create the topic likes", PROGRAMS, _topic),
    "windows": Command("on Windows: open the five programs in windows", PROGRAMS, _main("windows"), passes_on=True),
    "clean": Command("wipe the data of the local broker", PROGRAMS, _clean),
}
for name in java.COMMANDS_OF_4:
    COMMANDS[name] = Command(f"Kafka's own {name}", PROGRAMS, _kafka_command, passes_on=True)
