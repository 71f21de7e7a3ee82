"""What ends the programs of a run.py that was killed. With real ones: tests/end_to_end/test_terminals.py."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from brokers.ports import PortHolder
from launcher import guard
from plumbing.child import Child
from tests.programs import ROOT, wait_until

SLEEP = "import time; print('asleep', flush=True); time.sleep(600)"
# As Streamlit does when nobody reads its output.
DEAF = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); {SLEEP}"
RUN_PY = f"""
from launcher import guard
from plumbing.child import Child
import sys, time
with guard.watched():
    commands = [["-c", {SLEEP!r}], ["-c", {DEAF!r}, "streamlit"], ["-c", {SLEEP!r}, "kafka.Kafka"]]
    children = [Child(sys.executable, *words, on_line=lambda line: None) for words in commands]
    print(*(child.process.pid for child in children), sep="\\n", flush=True)
    time.sleep(600)
"""


def guard_of(pid: int) -> psutil.Process:
    def found():
        return next((one for one in psutil.Process(pid).children() if guard.MODULE in one.cmdline()), None)

    return wait_until(found, "the guard")  # right after its start, Linux shows no command line


def has_ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is of Linux and macOS")
def test_a_run_py_that_is_killed_leaves_nothing_and_the_next_one_waits_for_that():
    with subprocess.Popen([sys.executable, "-c", RUN_PY], cwd=ROOT, stdout=subprocess.PIPE) as run_py:
        programs = [psutil.Process(int(run_py.stdout.readline())) for _ in range(3)]
        its_guard = guard_of(run_py.pid)
        assert not guard.finish()  # this one is not at work
        its_guard.send_signal(signal.SIGSTOP)
        run_py.kill()
        run_py.wait()
        assert not any(map(has_ended, programs))
        its_guard.send_signal(signal.SIGCONT)
        assert guard.finish()
    assert all(map(has_ended, programs))


def test_programs_go_on_to_be_started_when_the_guard_was_killed():
    with guard.watched():
        its_guard = guard_of(os.getpid())
        its_guard.kill()
        psutil.wait_procs([its_guard])
        for _ in range(2):
            program = Child(sys.executable, "-c", SLEEP)
            assert program.running
            program.kill()


def test_the_holder_of_a_port_that_belongs_to_a_session_is_ended_by_quit():
    holder = PortHolder(42, "python producer.py", "/dev/pts/3 (pid 7)")
    assert holder.how_to_end == "it belongs to a run.py: type quit in its terminal, /dev/pts/3 (pid 7)"
    assert "42" in PortHolder(42, "python producer.py").how_to_end
