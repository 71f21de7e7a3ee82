"""Ctrl+C ends a wait, and nothing else; in a lab program it never leaves a traceback."""

import runpy
import signal
import sys
import threading
import time
from functools import partial

import pytest

from labs import __main__ as labs_main
from plumbing.process import StopSignal
from tests.programs import PATIENCE


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
