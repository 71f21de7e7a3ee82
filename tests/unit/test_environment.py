"""What a user's environment sets for other programs changes nothing here, or is named in an error."""

import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from unittest.mock import Mock

import pytest

import settings
from brokers import jars, java
from launcher import cli, setup
from plumbing import child, kafka, version
from tests.programs import ROOT, Program
from tests.scheduling import rest_repeats

posix = pytest.mark.skipif(os.name == "nt", reason="needs the signals and limits of Linux or macOS")


def run(*command: str, **environment: str) -> subprocess.CompletedProcess:
    merged = {**os.environ, **environment}
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=merged, capture_output=True, text=True)


@pytest.fixture
def shadows(tmp_path):
    """A folder with broken modules that have the names of packages and of this project's modules."""
    for name in ("labs", "settings", "flask", "requests", "psutil"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    return str(tmp_path)


def test_variables_for_other_programs_are_not_passed_on(monkeypatch, shadows):
    trap = {"PYTHONSAFEPATH": "1", "PYTHONPATH": shadows, "PYTHONDONTWRITEBYTECODE": "1"}
    trap |= {"STREAMLIT_SERVER_PORT": "80", "FLASK_DEBUG": "1"}
    kept = {"PYTHONUTF8": "1", "HTTPS_PROXY": "http://127.0.0.1:1", "_JAVA_OPTIONS": "-Xmx300m", "LIKES": "1"}
    for name, value in (trap | kept).items():
        monkeypatch.setenv(name, value)
    environment = settings.environment(MORE="2")
    assert not trap.keys() & environment.keys()
    assert environment.items() >= (kept | {"MORE": "2"}).items()
    program = Program(sys.executable, "-c", "import flask, sys; print(sys.path)")
    assert program.wait() == 0, program.lines


@pytest.mark.parametrize("variable", rest_repeats(["PYTHONPATH", "PYTHONSAFEPATH", "PYTHONWARNINGS", "PYTHONOPTIMIZE"]))
def test_run_py_starts_whatever_is_set_for_python(variable, shadows):
    value = {"PYTHONPATH": shadows, "PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "2"}.get(variable, "1")
    for command in (["labs"], ["test", "--version"]):
        done = run("run.py", *command, **{variable: value})
        assert done.returncode == 0, done.stdout + done.stderr


def test_without_a_home_the_jars_are_kept_in_this_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(Path, "home", Mock(side_effect=RuntimeError("Could not determine home directory.")))
    assert jars.default_repository() == ROOT / ".m2" / "repository"
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "missing")
    assert jars.default_repository() == ROOT / ".m2" / "repository"
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert jars.default_repository() == tmp_path / ".m2" / "repository"


REFUSED = [
    (PermissionError(errno.EACCES, "Permission denied", ".kafka/server.properties"), "make it yours"),
    (OSError(errno.EROFS, "Read-only file system", ".kafka"), "make it yours"),
    (OSError(errno.ENOSPC, "No space left on device", ".kafka/broker.log"), "make room"),
    (OSError(errno.EMFILE, "Too many open files"), "ulimit -n 1024"),
]


@pytest.mark.parametrize(("error", "hint"), REFUSED)
def test_what_the_system_refuses_is_two_lines(monkeypatch, capsys, error, hint):
    monkeypatch.setattr(setup, "enter", lambda _requirements: None)
    monkeypatch.setattr(cli.terminal, "prepare", lambda: None)
    monkeypatch.setitem(cli.COMMANDS, "topic", cli.Command("", "", Mock(side_effect=error)))
    assert cli.main(["topic"]) == 1
    what, advice = capsys.readouterr().out.splitlines()
    assert what == f"{error.filename or 'the system'}: {error.strerror}"
    assert advice.startswith(f"  -> {hint}")


@pytest.mark.parametrize("left", ["{}", "{} ", '"{}"', '"{}" ', "'{}'", ' " {} "'])
def test_the_blank_and_the_quotes_that_set_leaves_on_windows_are_not_part_of_a_value(left):
    wanted = {
        "CONSUMER_PORT": "5003",
        "KAFKA_BOOTSTRAP_SERVERS": "here:9092",
        "KAFKA_CLIENT_CONFIG": "my files/client.properties",
        "ALLOWED_HOSTS": "a.example",
        "CONSUMER_GROUP": "",  # a blank one is the default
    }
    code = "from settings import *; print(CONSUMER_PORT, BOOTSTRAP_SERVERS, CLIENT_CONFIG, *ALLOWED_HOSTS, GROUP)"
    done = run("-c", code, **{name: left.format(value) for name, value in wanted.items()})
    assert done.stdout == " ".join(wanted.values()) + "likes-ui\n", done.stderr


def test_the_broker_of_a_settings_file_is_used_unless_a_variable_names_another(tmp_path, monkeypatch):
    file = tmp_path / "client.properties"
    file.write_text("\ufeffclient.id=me\n # bootstrap.servers=no:1\nbootstrap.servers = cloud.example:9092\n", "utf-8")
    code = "import settings; from plumbing import kafka; print(kafka.client_config()['bootstrap.servers'])"
    where = {"KAFKA_CLIENT_CONFIG": str(file), "KAFKA_BOOTSTRAP_SERVERS": ""}
    assert run("-c", code, **where).stdout == "cloud.example:9092\n"
    assert run("-c", code, **where | {"KAFKA_BOOTSTRAP_SERVERS": "here:9092"}).stdout == "here:9092\n"
    monkeypatch.setattr(settings, "CLIENT_CONFIG", str(file))
    assert kafka.client_config("asked:9092")["bootstrap.servers"] == "asked:9092"
    assert kafka.client_config("asked:9092")["client.id"] == "me"


SERVERS = [
    (["--list"], True, settings.BOOTSTRAP_SERVERS),
    (["--bootstrap-server", "one:1", "--list"], False, "one:1"),
    (["--bootstrap-server=two:2", "--list"], False, "two:2"),
    (["--broker-list=other:1"], False, settings.BOOTSTRAP_SERVERS),
    (["--help"], False, settings.BOOTSTRAP_SERVERS),
]


@pytest.mark.parametrize(("arguments", "added", "servers"), SERVERS)
def test_a_tool_gets_one_bootstrap_server_and_is_of_the_version_there(monkeypatch, arguments, added, servers):
    asked, called = [], []
    monkeypatch.setattr(child, "call", lambda command, env: called.extend(command))
    monkeypatch.setattr(jars, "ensure", lambda *_: [])
    monkeypatch.setattr(version, "is_kafka_4", lambda servers: not asked.append(servers))
    java.run_command("kafka-consumer-groups", arguments)
    words = called[called.index("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand") + 1 :]
    own = ["--bootstrap-server", settings.BOOTSTRAP_SERVERS]
    assert words == (own if added else []) + arguments
    assert asked == [servers]


@pytest.mark.parametrize(
    ("arguments", "becomes"),
    [
        ("--property print.key=true", "--formatter-property print.key=true --command-property group.protocol=consumer"),
        ("--property=print.key=true --group a", "--formatter-property=print.key=true --group a"),
        ("--consumer-property group.protocol=classic", "--consumer-property group.protocol=classic"),
        ("--partition 0", "--partition 0"),
    ],
)
def test_kafka_4s_console_consumer_has_no_reason_for_notices(arguments, becomes):
    assert " ".join(java.without_notices(arguments.split())) == becomes


INTERRUPTED = """
import runpy, sys
class Finder:
    def find_spec(self, name, *_):
        if name == "launcher.cli":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Finder())
runpy.run_path("run.py", run_name="__main__")
"""
STARTED_AGAIN = """
import os, signal
from launcher import setup
os.execve = lambda *_: exit(str(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])))
setup._start_again(setup.PYTHON)
"""


def test_ctrl_c_while_run_py_is_imported_leaves_no_traceback():
    done = run("-c", INTERRUPTED)
    assert (done.returncode, done.stderr) == (130, "")


@posix
def test_ctrl_c_while_python_restarts_is_deferred(monkeypatch):
    assert run("-c", STARTED_AGAIN).stderr == "True\n"

    def ctrl_c(*_) -> None:
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)  # no other thread may get it instead

    monkeypatch.setattr(setup, "enter", ctrl_c)
    monkeypatch.setattr(cli.terminal, "prepare", lambda: None)
    with child.put_off_ctrl_c():
        ctrl_c()
        assert cli.main(["topic"]) == 130


SLOW_START = """
import time
print("starting", flush=True)
time.sleep(1)
from plumbing.process import StopSignal
with StopSignal() as stop:
    print("stopped" if stop.requested else "not asked", flush=True)
"""


@posix
def test_ctrl_c_while_a_program_starts_leaves_no_traceback():
    with contextlib.ExitStack() as stack:
        lines = []
        program = child.Child(sys.executable, "-c", SLOW_START, on_line=lines.append, late=True)
        stack.callback(program.kill)
        while not lines:
            pass
        program.ask_to_stop()
        assert program.wait(60) == 0
        assert lines == ["starting", "stopped"]


@posix
def test_a_low_limit_of_open_files_is_raised(monkeypatch):
    code = "import resource; from brokers import java; java.check_open_files()"
    code += "; print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    shell = f"ulimit -S -n 128; {sys.executable} -c '{code}'"
    done = subprocess.run(["sh", "-c", shell], cwd=ROOT, capture_output=True, text=True)
    assert int(done.stdout) >= java.FEWEST_OPEN_FILES
