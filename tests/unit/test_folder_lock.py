"""One broker works in a folder at a time, whoever started it, and `clean` leaves it alone."""

import errno
import os
import shutil
import subprocess
import sys
from unittest.mock import Mock

import pytest

from brokers import java, local
from brokers.lock import lock
from launcher import cli
from plumbing import Problem
from plumbing.child import Child
from tests.programs import ROOT

IN_ANOTHER_NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc"] if shutil.which("unshare") else []


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(local, "FOLDER", tmp_path / ".kafka")
    monkeypatch.setattr("brokers.ports.port_holder", lambda _port: None)
    (tmp_path / ".kafka" / "4").mkdir(parents=True)
    return tmp_path / ".kafka"


def test_a_lock_ends_with_the_last_process_that_holds_it(tmp_path):
    held = lock(tmp_path / "lock")
    assert lock(tmp_path / "lock") is None
    broker = Child(sys.executable, "-c", "input()", reads=True, holds=held)
    held.close()
    if os.name == "posix":
        assert lock(tmp_path / "lock") is None
    broker.kill()
    with lock(tmp_path / "lock"):
        (tmp_path / "lock").unlink()
        with lock(tmp_path / "lock"):  # a new file, as after `clean`
            assert lock(tmp_path / "lock") is None


@pytest.mark.skipif(os.name == "nt", reason="flock is not how Windows locks")
@pytest.mark.parametrize(("code", "ours"), [(errno.ENOLCK, True), (errno.EWOULDBLOCK, False), (0, False)])
def test_only_a_file_system_without_locks_goes_without_one(tmp_path, monkeypatch, code, ours):
    """0: a C library that does not say why, as that of Wine."""
    monkeypatch.setattr("fcntl.flock", Mock(side_effect=OSError(code, "")))
    file = lock(tmp_path / "lock")
    assert bool(file) == ours
    if file:
        file.close()


def test_a_second_session_on_a_folder_touches_nothing_in_it(folder, monkeypatch):
    """Java is not even started."""
    monkeypatch.setattr(java, "call", lambda *_, **__: pytest.fail("it wrote into the data"))
    monkeypatch.setattr(local, "Child", lambda *_, **__: pytest.fail("a second broker was started"))
    with lock(folder / local.LOCK):
        before = sorted(folder.rglob("*"))
        with pytest.raises(Problem, match=r"a broker works in .*, of a run\.py in another terminal or container"):
            local.LocalBroker(folder).launch()
        assert sorted(folder.rglob("*")) == before


def test_a_broker_that_is_not_started_leaves_the_folder_to_others(folder, monkeypatch):
    monkeypatch.setattr(local.LocalBroker, "_launch", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        local.LocalBroker(folder).launch()
    lock(folder / local.LOCK).close()


@pytest.mark.parametrize("works_in", ["", "4", "cluster/kafka-1"])
def test_clean_wipes_nothing_under_a_broker(folder, works_in, capsys):
    (folder / works_in).mkdir(parents=True, exist_ok=True)
    (folder / "events").touch()
    with lock(folder / works_in / local.LOCK):
        with pytest.raises(Problem, match="a broker works in"):
            local.wipe()
        assert (folder / "events").exists()
    assert cli._clean(None) == 0
    assert not folder.exists()
    assert not local.wipe()


@pytest.mark.skipif(not IN_ANOTHER_NAMESPACE or os.geteuid() != 0, reason="needs unshare, and root")
def test_a_container_sees_the_lock(tmp_path):
    code = "import sys, pathlib; from brokers.lock import lock; print(lock(pathlib.Path(sys.argv[1])))"
    with lock(tmp_path / "lock"):
        command = [*IN_ANOTHER_NAMESPACE, sys.executable, "-c", code, tmp_path / "lock"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "None\n", done.stderr
