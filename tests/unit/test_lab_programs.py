"""Blocks of a lab's page as processes: their lines, their end, the limit of their time."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from launcher import lab_programs
from launcher.lab_programs import Run
from plumbing.child import Child
from tests.programs import wait_until

WAITS = "import time; print('waits', flush=True); time.sleep(60)"
STARTS_ANOTHER = f"import subprocess, sys; subprocess.call([sys.executable, '-uc', {WAITS!r}])"


@pytest.fixture(autouse=True)
def python(monkeypatch):
    """The words of a command are what Python runs with -c, in place of run.py."""

    def start(self, words):
        return Child(sys.executable, "-uc", *words, on_line=self.output.add, environment=self._environment)

    monkeypatch.setattr(Run, "_start", start)


def lines(run: Run) -> list[str]:
    return run.output.since(0)[0]


def ended(run: Run) -> int | None:
    wait_until(lambda: not run.running, "its end", lines=lines(run))
    return run.exit_code


@pytest.mark.parametrize(("code", "shown"), [(0, ["one", "two"]), (3, ["one"])])
def test_the_commands_run_one_after_the_other_until_one_fails(code, shown):
    run = Run([[f"print('one'); exit({code})"], ["print('two')"]], {})
    assert (ended(run), lines(run)) == (code, shown)


@pytest.mark.parametrize("code", [WAITS, STARTS_ANOTHER], ids=["alone", "with another below"])
def test_stop_ends_it_and_all_that_it_has_started(code):
    run = Run([[code], ["print('two')"]], {})
    wait_until(lambda: "waits" in lines(run), "its first line", lines=lines(run))
    processes = psutil.Process(run._child.process.pid).children(recursive=True)
    run.stop()
    assert ended(run) != 0
    assert "two" not in lines(run)
    assert lines(run)[-1] == "stopped"
    assert not [process for process in processes if process.is_running()]
    run.stop()  # once more: nothing happens


@pytest.mark.skipif(os.name == "nt", reason="there the process is ended as a whole")
def test_what_does_not_react_is_killed(monkeypatch):
    monkeypatch.setattr(lab_programs, "END_SECONDS", 0.5)
    run = Run([[f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); {WAITS}"]], {})
    wait_until(lambda: "waits" in lines(run), "its first line", lines=lines(run))
    run.stop()
    assert ended(run) == -9


def test_a_program_has_a_limited_time(monkeypatch):
    monkeypatch.setattr(lab_programs, "MOST_SECONDS", 1.0)
    run = Run([[WAITS]], {})
    assert ended(run) != 0
    assert lines(run)[-1] == "ended: the page allows 1 s"


def test_they_end_with_the_session(monkeypatch):
    monkeypatch.setattr(lab_programs.blocks, "shell_commands", lambda lab, block: [[WAITS]])
    programs = lab_programs.LabPrograms({})
    run = programs.run(programs.start(1, 1))
    wait_until(lambda: "waits" in lines(run), "its first line", lines=lines(run))
    programs.close()
    assert ended(run) != 0


@pytest.mark.parametrize(
    ("own", "login"), [(None, {}), (Path("learner.properties"), {"KAFKA_CLIENT_CONFIG": ""})], ids=["plain", "secured"]
)
def test_they_run_as_in_a_second_terminal(own, login):
    broker = SimpleNamespace(bootstrap_servers="there:9092", client_properties=own)
    assert lab_programs.environment_on(broker) == {"KAFKA_BOOTSTRAP_SERVERS": "there:9092"} | login
