"""The bench runs: everything once, in tiny sizes. What it measures then says nothing, and is not looked at."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from bench.__main__ import SUBJECTS
from bench.subjects.click import PEERS
from tests.programs import ROOT


@pytest.mark.repeats
def test_every_subject_is_measured_and_reported(kafka, tmp_path):
    environment = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": kafka, "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "bench", "--quick", "--out", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=800
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = json.loads((tmp_path / "quick.json").read_text(encoding="utf-8"))["lines"]
    assert {line["subject"] for line in lines} == set(SUBJECTS)
    peers = {name for name, (_, package) in PEERS.items() if importlib.util.find_spec(package)}
    assert peers <= {line["against"] for line in lines}
    report = (tmp_path / "quick.md").read_text(encoding="utf-8")
    assert all(line["what"] in report for line in lines)
    if importlib.util.find_spec("matplotlib"):
        assert (tmp_path / "quick.png").read_bytes().startswith(b"\x89PNG")
