"""What start_apps.bat and stop_apps.bat have Python do, with processes and windows that are not there. The real ones:
tests/windows."""

import os
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from brokers import ports
from brokers.ports import PortHolder
from launcher import windows
from plumbing import Problem
from tests.programs import ROOT

BATCH_FILES = sorted(ROOT.glob("*.bat"))


class Process(SimpleNamespace):
    """A cmd.exe, as psutil shows it."""

    __hash__ = object.__hash__

    def __init__(self, command: str, folder: Path = ROOT):
        super().__init__(pid=7, folder=folder, killed=False)
        self.cmdline = lambda: ["cmd", "/d", "/k", *command.split()]
        self.cwd = lambda: str(folder)
        self.children = lambda recursive: []

    def kill(self):
        self.killed = True


CONSUMER = "title Consumer 1& python consumer.py"
PROCESSES = [
    (Process(CONSUMER), "Consumer 1"),
    (Process("title Streamlit& python -m streamlit run producer_ui.py --logger.hideWelcomeMessage true"), "Streamlit"),
    (Process("title Mine& echo my copy of producer.py"), ""),
    (Process("python consumer.py"), ""),
    (Process(CONSUMER, ROOT.parent), ""),
]


@pytest.mark.parametrize(("process", "title"), PROCESSES)
def test_stop_leaves_a_window_of_another_command_in_this_folder(process, title, monkeypatch):
    """And those of other folders."""
    monkeypatch.setattr(psutil, "process_iter", lambda: [process])
    assert [ours["title"] for ours in windows.our_windows().values()] == ([title] if title else [])


def test_stop_finds_windows_of_a_project_that_is_opened_through_a_link(tmp_path, monkeypatch):
    try:
        (tmp_path / "link").symlink_to(ROOT, target_is_directory=True)
    except OSError:
        pytest.skip("this user may make no links: on Windows, turn on the developer mode")
    monkeypatch.setattr(psutil, "process_iter", lambda: [Process(CONSUMER, tmp_path / "link")])
    assert len(windows.our_windows()) == 1


@pytest.fixture
def desk(monkeypatch, tmp_path):
    """A Windows with these windows and ports; `opened` has what is started."""
    desk = SimpleNamespace(windows=[], ports={9092}, opened=[], ran=[])
    monkeypatch.setattr(windows, "VENV", tmp_path)
    monkeypatch.setattr(psutil, "process_iter", lambda: desk.windows)
    monkeypatch.setattr(psutil, "wait_procs", lambda *_, **__: ([], []))
    for module in (windows, ports):
        monkeypatch.setattr(module, "port_holder", lambda port: PortHolder(7, "nginx") if port in desk.ports else None)
    monkeypatch.setattr(subprocess, "Popen", lambda line, **options: desk.opened.append((line, options["env"])))
    monkeypatch.setattr(subprocess, "run", lambda command, **_options: desk.ran.append(command))
    monkeypatch.setattr(windows, "SEEN_SECONDS", 0.0)
    monkeypatch.setattr(windows, "ON_WINDOWS", True)
    monkeypatch.setattr(windows, "press_ctrl_c", lambda _pid: None)
    console = SimpleNamespace(FreeConsole=lambda: None)
    monkeypatch.setattr(windows.ctypes, "WinDLL", lambda _name: console, raising=False)
    monkeypatch.chdir(ROOT)
    return desk


def test_the_windows_that_are_missing_are_opened(desk, monkeypatch, capsys):
    monkeypatch.setenv("CONSUMER_PORT", "5009 ")  # left by `set` in the learner's terminal
    monkeypatch.setenv("PRODUCER_PORT", "5008")
    assert windows.main(["C:"]) == 0
    found = {re.search(r"^cmd /d /k title ([\w ]+)& python", line)[1]: more for line, more in desk.opened}
    expected = {"Producer": None, "Streamlit": None} | {f"Consumer {n}": f"500{n + 1}" for n in (1, 2, 3)}
    assert {title: more.get("CONSUMER_PORT") for title, more in found.items()} == expected
    for environment in found.values():
        assert "PRODUCER_PORT" not in environment
        assert Path(environment["PATH"].split(os.pathsep)[0]).name in ("bin", "Scripts")
    assert "nothing answers" not in capsys.readouterr().out
    desk.windows = [
        Process(line.removeprefix("cmd /d /k ")) for line, _environment in desk.opened if "er 2" not in line
    ]
    desk.opened.clear()
    desk.ports = {5001, 5002, 5004, 8501}  # of the others
    assert windows.main(["C:"]) == 0
    assert [line for line, _environment in desk.opened] == ["cmd /d /k title Consumer 2& python consumer.py"]
    said = capsys.readouterr().out
    assert "nothing answers on localhost:9092 yet: start_kafka.bat, create_likes_topic.bat" in said
    assert "opened: Consumer 2;" in said
    desk.windows.append(Process("title Consumer 2& python consumer.py"))
    assert windows.main(["C:"]) == 0
    assert "all five are open already" in capsys.readouterr().out
    assert len(desk.opened) == 1


def test_nothing_is_opened_where_a_port_is_taken(desk, monkeypatch):
    desk.ports = {5003}
    with pytest.raises(Problem, match=r"port 5003 \(of the window Consumer 2\) is taken by nginx \(pid 7\)") as refused:
        windows.main(["C:"])
    assert "then start_apps.bat" in refused.value.hint
    assert desk.opened == []
    monkeypatch.setattr(windows, "ON_WINDOWS", False)
    with pytest.raises(Problem, match="for Windows"):
        windows.main(["C:"])


def test_the_drive_that_a_network_path_has_got_is_given_back(desk):
    assert windows.main(["\\\\"]) == 0
    assert all(line.startswith("cmd /d /k set BORROWED=") for line, _environment in desk.opened)
    desk.windows = [Process(f"set BORROWED=Z:& {CONSUMER}"), Process(CONSUMER)]
    windows.stop()
    assert desk.ran == [["net", "use", "Z:", "/delete", "/yes"]]
    assert all(window.killed for window in desk.windows)


def test_where_no_window_is_found_the_ports_are_named(desk, capsys):
    desk.ports = {5001, 9092}
    windows.stop()
    none, port = capsys.readouterr().out.splitlines()
    assert none == "None of the five windows is open."
    assert port.startswith("Port 5001 is taken by nginx (pid 7). To end it: ")


@pytest.mark.parametrize("file", BATCH_FILES, ids=lambda file: file.name)
def test_a_batch_file_stands_on_nothing_that_may_be_set_or_missing(file):
    content = file.read_bytes()
    assert content.count(b"\r\n") == content.count(b"\n")
    assert content.isascii()  # each code page shows another letter
    lines = content.decode().split("\r\n")
    text = "\n".join(lines)
    assert "setlocal EnableExtensions DisableDelayedExpansion" in lines[:4]
    assert 'set "%%v="' in text
    assert "(ERRORLEVEL " in text
    assert lines[-2] == '"%ComSpec%" /d /c exit %code%'  # so that `&&` after it sees a failure
    # No file, whose folder may be missing or which another one may hold; no program of Windows, which PATH may lack.
    assert not re.search(r"%temp%|%cd%|^ *where |findstr|timeout |>(?!nul|\^?&1)", text, re.IGNORECASE | re.MULTILINE)
    assert len(lines) <= 50
