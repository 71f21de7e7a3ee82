"""The record of what run.py started, which never leads to another program. tests/end_to_end/test_terminals.py uses real
run.pys."""

import json
import subprocess
import sys

import psutil
import pytest

from brokers.ports import PortHolder
from launcher import leftovers, terminal
from plumbing import Problem
from plumbing.child import Child

SLEEP = (sys.executable, "-c", "import time; print('asleep', flush=True); time.sleep(600)")
# As Streamlit does when nobody reads its output.
DEAF = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
    "streamlit",
)


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(leftovers, "FOLDER", tmp_path / ".run")
    (tmp_path / ".run").mkdir()
    return tmp_path / ".run"


@pytest.fixture
def process():
    with subprocess.Popen(SLEEP, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield psutil.Process(process.pid)
        process.kill()


def write(folder, *described: dict, cut_off: str = "") -> None:
    lines = "".join(json.dumps(one) + "\n" for one in described)
    (folder / "1.jsonl").write_text(lines + cut_off, encoding="utf-8")


GONE = {"pid": 2**22 + 1, "started": 1.0}


def test_what_was_left_is_found_and_ended(folder, process):
    write(folder, GONE, GONE, leftovers.describe(process.pid), cut_off='{"pid": 1')
    assert leftovers.left() == [process]
    assert f"(pid {process.pid})" in leftovers.names([process])
    with pytest.raises(Problem, match="has left these running") as refused:
        leftovers.settle()
    assert refused.value.hint == "python run.py stop   (ends them)"
    assert leftovers.main() == 0
    assert not process.is_running()
    assert not folder.exists()


def test_a_page_that_does_not_react_is_not_waited_for(folder, monkeypatch):
    monkeypatch.setattr(leftovers, "STOP_SECONDS", 600)
    with subprocess.Popen(DEAF, stdout=subprocess.PIPE) as page:
        page.stdout.readline()
        write(folder, GONE, GONE, leftovers.describe(page.pid))
        leftovers.end_all()
        assert page.poll() is not None


def test_it_is_ended_if_the_user_agrees(folder, process, monkeypatch):
    write(folder, GONE, GONE, leftovers.describe(process.pid))
    monkeypatch.setattr(terminal, "agrees", lambda *_: True)
    leftovers.settle()
    assert leftovers.left() == []


def test_a_stranger_with_the_same_pid_is_left_alone(folder, process):
    described = leftovers.describe(process.pid)
    write(folder, GONE, GONE, described | {"started": described["started"] - 60})
    assert leftovers.left() == []
    leftovers.settle()
    leftovers.end_all()
    assert process.status() != psutil.STATUS_ZOMBIE


def test_what_a_running_run_py_has_started_is_left_alone(folder, process):
    own = leftovers.describe(psutil.Process().pid)
    write(folder, own, GONE, leftovers.describe(process.pid))
    assert leftovers.left() == []
    with pytest.raises(Problem, match=r"run\.py is running: .+ \(pid \d+\)") as refused:
        leftovers.main()
    assert refused.value.hint == "type quit there"
    leftovers.end_all()
    assert process.is_running()


def test_a_session_that_ends_leaves_no_record(folder):
    with leftovers.recorded():
        program = Child(*SLEEP)
        try:
            (record,) = leftovers.records()
            assert record.run_py == psutil.Process()
            assert [process.pid for process in record.started] == [program.process.pid]
            assert record.guard
        finally:
            program.kill()
    assert not folder.exists()


def test_a_read_only_folder_is_not_an_error(folder, monkeypatch):
    (folder / "file").write_text("")
    monkeypatch.setattr(leftovers, "FOLDER", folder / "file" / ".run")
    with leftovers.recorded():
        assert leftovers.records() == []


def test_the_holder_of_a_port_that_belongs_to_a_session_is_ended_by_quit():
    holder = PortHolder(42, "python producer.py", "/dev/pts/3 (pid 7)")
    assert holder.how_to_end == "it belongs to a run.py: type quit in its terminal, /dev/pts/3 (pid 7)"
    assert "42" in PortHolder(42, "python producer.py").how_to_end
