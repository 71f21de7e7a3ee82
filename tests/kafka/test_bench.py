"""The bench runs: everything once, in tiny sizes. The figures mean nothing, and are not checked."""

import importlib.util
import os
import subprocess
import sys

import pytest

from bench.__main__ import SUBJECTS
from bench.subjects.click import PEERS
from tests.programs import ROOT


@pytest.mark.repeats
def test_every_subject_is_measured_and_printed(kafka):
    environment = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": kafka, "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "bench", "--quick"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=800
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [name for name in SUBJECTS if f"  {name}, " not in done.stdout] == []
    peers = [name for name, (_, package) in PEERS.items() if importlib.util.find_spec(package)]
    assert [name for name in peers if f"{name}: " not in done.stdout] == []
