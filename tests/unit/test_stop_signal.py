"""Ctrl+C ends a wait, and nothing else; a program of the labs gets it too, and never leaves a traceback."""

import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from functools import partial

import pytest

from labs import __main__ as labs_main
from plumbing.process import StopSignal
from tests.programs import PATIENCE, ROOT

PROGRAM = """
import signal, sys, time
try:
    print("reading", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(1.5)  # as a consumer may need to leave its group
    print("left", flush=True)
    sys.exit(130)
"""


@pytest.fixture
def stop():
    names = [name for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]
    before = {getattr(signal, name): signal.getsignal(getattr(signal, name)) for name in names}
    with StopSignal() as stop:
        yield stop
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="sends a signal to a thread")
def test_a_wait_ends_at_once_and_no_other_one_begins(stop):
    threading.Timer(0.2, signal.pthread_kill, [threading.get_ident(), signal.SIGINT]).start()
    began = time.monotonic()
    assert stop.interruptible(time.sleep, 2 * PATIENCE) is None
    assert time.monotonic() - began < PATIENCE
    assert stop.requested
    assert stop.interruptible(pytest.fail, "it has been called") is None


def test_a_callback_is_not_interrupted(stop):
    """As confluent_kafka's poll() calls on_assign, which asks the broker."""

    def callback(number: int) -> int:
        signal.raise_signal(signal.SIGINT)
        return number

    assert stop.interruptible(partial(sorted, key=callback), [2, 1]) == [1, 2]
    assert stop.requested


@pytest.mark.parametrize("cause", [KeyboardInterrupt(), None], ids=["Ctrl+C", "another reason"])
def test_a_ctrl_c_that_c_code_did_not_expect_ends_a_program_of_the_labs(monkeypatch, cause):
    def program(*_arguments, **_options):
        raise SystemError("list_offsets returned a result with an exception set") from cause

    monkeypatch.setattr(runpy, "run_module", program)
    monkeypatch.setattr(sys, "argv", ["labs", "lab_06_offsets.replay"])
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, getattr(sys, name))  # put back at the end
    with pytest.raises(SystemExit if cause else SystemError) as ended:
        labs_main.main("lab_06_offsets.replay")
    assert not cause or ended.value.code == 130


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C for a process group of its own")
def test_a_program_has_time_to_leave_after_ctrl_c():
    caller = f"import sys; from plumbing import child; sys.exit(child.call([sys.executable, '-c', {PROGRAM!r}]))"
    process = subprocess.Popen(
        [sys.executable, "-c", caller], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout.readline() == "reading\n"
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=PATIENCE)[0] == "left\n"
