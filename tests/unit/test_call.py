"""Programs that run.py runs in its terminal, such as lab programs, also get Ctrl+C."""

import os
import signal
import subprocess
import sys

import pytest

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


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C for a process group of its own")
def test_a_program_has_time_to_leave_after_ctrl_c():
    caller = f"import sys; from plumbing import child; sys.exit(child.call([sys.executable, '-c', {PROGRAM!r}]))"
    process = subprocess.Popen(
        [sys.executable, "-c", caller], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout.readline() == "reading\n"
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=PATIENCE)[0] == "left\n"
