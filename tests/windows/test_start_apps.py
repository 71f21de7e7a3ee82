"""start_apps.bat and stop_apps.bat with Pythons as learners have them: none, the Store's stub, py -3 only, too old."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.windows.shell import Fake, Shell, copy_project

WINDOWS = {
    "Producer": ("producer", None),
    "Consumer 1": ("consumer", "5002 "),  # `set CONSUMER_PORT=5002 && ...` keeps the blank
    "Consumer 2": ("consumer", "5003 "),
    "Consumer 3": ("consumer", "5004 "),
    "Streamlit": ("page", None),
}
NEW = {"version": [3, 12, 1], "packages": True}
OLD = {"version": [3, 8, 10], "packages": True}
STUB = {"version": None}
DEADLINE_SECONDS = 240

pytestmark = pytest.mark.usefixtures("free_ports")


@pytest.fixture
def python(shell, tmp_path):
    """A python.exe that can be put on the PATH."""
    return Fake(shell, tmp_path / "python", "python", "python.py", **NEW)


@pytest.fixture
def start_apps(shell, project):
    """Runs start_apps.bat; the windows are closed after the test."""
    yield lambda *pythons, **options: shell.run(
        project / "start_apps.bat", path=[fake.folder for fake in pythons], **options
    )
    shell.close_windows(project)


def programs(*pythons, count=5):
    """What ran in the windows: title -> the program's note. Waits until there are `count`."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        found = {call["title"]: call for python in pythons for call in python.calls() if "program" in call}
        if len(found) >= count or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def assert_five_windows(found):
    assert {title: (call["program"], call["consumer_port"]) for title, call in found.items()} == WINDOWS


def test_five_titled_windows_stay_open(shell, project, python, start_apps):
    result = start_apps(python)
    assert result.code == 0, result.output
    assert "Five windows are open" in result.output
    assert "http://localhost:8501" in result.output
    found = programs(python)
    assert_five_windows(found)
    assert {call["folder"] for call in found.values()} == {shell.windows_path(project)}
    assert shell.windows_open(project) == 5  # though the programs have ended


@pytest.mark.repeats
def test_a_port_that_an_earlier_command_has_left_is_not_the_page_s(python, start_apps):
    assert start_apps(python, CONSUMER_PORT="5003 ", PRODUCER_PORT='"5009"').code == 0
    assert_five_windows(programs(python))


@pytest.mark.repeats
def test_it_warns_when_no_broker_answers(python, start_apps):
    result = start_apps(python)
    assert result.code == 0
    assert "Nothing answers on localhost:9092" in result.output


@pytest.mark.repeats
def test_it_does_not_look_at_9092_when_the_broker_is_elsewhere(python, start_apps):
    assert "9092" not in start_apps(python, KAFKA_BOOTSTRAP_SERVERS="broker.example:9094").output


@pytest.mark.repeats
@pytest.mark.parametrize("name", ["Tom & Jerry (copy)", "Zoë Müller"])
def test_from_another_folder(shell, tmp_path, python, name):
    project = copy_project(tmp_path / name)
    result = shell.run(project / "start_apps.bat", path=[python.folder], cwd=tmp_path)
    assert result.code == 0, result.output
    assert_five_windows(programs(python))
    assert "Ending 5 windows" in shell.run(project / "stop_apps.bat", path=[python.folder]).output
    assert shell.windows_open(project) == 0


@pytest.mark.repeats
def test_second_start_and_stop(shell, project, python, start_apps):
    python.play(**NEW, serves=True)
    assert start_apps(python).code == 0
    assert_five_windows(programs(python))

    second = start_apps(python)
    assert second.code == 1
    assert "Already in use: port 5001, 5002, 5003, 5004, 8501" in second.output
    assert "stop_apps.bat" in second.output
    assert len(programs(python)) == 5

    stop = shell.run(project / "stop_apps.bat", path=[python.folder])
    assert (stop.code, stop.output.strip()) == (0, "Ending 5 windows ...")
    assert shell.windows_open(project) == 0

    again = shell.run(project / "stop_apps.bat", path=[python.folder])
    assert (again.code, again.output.strip()) == (0, "None of the five windows is open.")
    assert start_apps(python).code == 0  # the ports are free again


def test_without_packages_it_makes_a_venv(shell, project, python, start_apps):
    python.play(**NEW | {"packages": False})
    result = start_apps(python)
    assert result.code == 0, result.output
    assert "Installing the Python packages into the folder .venv" in result.output
    assert "Successfully installed" in result.output  # pip's own words are shown: it takes minutes
    inside = existing_venv(project)
    assert_five_windows(programs(inside))
    assert [call.get("call") for call in python.calls()] == ["venv"]  # nothing is installed into the Python outside


@pytest.mark.repeats
def test_venv_comes_first(shell, project, python, start_apps):
    Fake(shell, project / ".venv/Scripts", "python", "python.py", **NEW)
    result = start_apps(python)
    assert result.code == 0, result.output
    assert_five_windows(programs(existing_venv(project)))
    assert python.calls() == []


@pytest.mark.repeats
def test_venv_without_packages_is_completed(shell, project, python, start_apps):
    Fake(shell, project / ".venv/Scripts", "python", "python.py", **NEW | {"packages": False})
    assert start_apps(python).code == 0
    assert [call.get("call") for call in existing_venv(project).calls()][:1] == ["pip install"]


@pytest.mark.repeats
def test_broken_venv(shell, project, python, start_apps):
    Fake(shell, project / ".venv/Scripts", "python", "python.py", **OLD)
    result = start_apps(python)
    assert result.code == 1
    assert "rmdir /s /q .venv" in result.output


def test_two_double_clicks_open_five_windows(project, tmp_path, python, shell, start_apps):
    (tmp_path / "second shell").mkdir()
    both = [shell, Shell(tmp_path / "second shell")]
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda one: one.run(project / "start_apps.bat", path=[python.folder]), both))
    assert sorted(result.code for result in results) == [0, 1], results
    refused = max(results, key=lambda result: result.code)
    assert "is opening the windows" in refused.output or "of the five windows" in refused.output
    assert shell.windows_open(project) == 5
    again = start_apps(python)
    assert again.code == 1
    assert "5 of the five windows are open already" in again.output
    assert "stop_apps.bat, then start_apps.bat" in again.output


@pytest.mark.repeats
def test_only_py(shell, tmp_path, start_apps):
    launcher = Fake(shell, tmp_path / "py", "py", "python.py", **NEW)
    assert start_apps(launcher).code == 0
    assert_five_windows(programs(launcher))


@pytest.mark.repeats
def test_store_stub_and_py(shell, tmp_path, start_apps):
    stub = store_stub(shell, tmp_path)
    launcher = Fake(shell, tmp_path / "py", "py", "python.py", **NEW)
    assert start_apps(stub, launcher).code == 0
    assert_five_windows(programs(launcher))


@pytest.mark.repeats
def test_python_is_a_batch_file(shell, project, python):
    python.play(**NEW, serves=True)
    path = [python.behind_batch_file(shell, "python.bat")]
    start = shell.run(project / "start_apps.bat", path=path)
    assert start.code == 0, start.output
    assert "Five windows are open" in start.output
    assert_five_windows(programs(python))
    stop = shell.run(project / "stop_apps.bat", path=path)
    assert (stop.code, stop.output.strip()) == (0, "Ending 5 windows ...")
    assert shell.windows_open(project) == 0


@pytest.mark.repeats
def test_python_is_a_batch_file_and_too_old(shell, start_apps, project, python):
    python.play(**OLD)
    result = shell.run(project / "start_apps.bat", path=[python.behind_batch_file(shell, "python.bat")])
    assert result.code == 1
    assert "Python 3.8.10" in result.output


@pytest.mark.repeats
def test_the_home_of_a_python_that_is_gone_does_not_matter(shell, project, python, start_apps):
    gone = {"PYTHONHOME": r"C:\gone", "PYTHONPATH": r"C:\gone"}
    result = start_apps(python, **gone)
    assert result.code == 0, result.output
    assert_five_windows(programs(python))
    assert "Ending 5 windows" in shell.run(project / "stop_apps.bat", path=[python.folder], **gone).output


@pytest.mark.repeats
def test_old_python_and_newer_py(shell, tmp_path, python, start_apps):
    python.play(**OLD)
    launcher = Fake(shell, tmp_path / "py", "py", "python.py", **NEW)
    assert start_apps(python, launcher).code == 0
    assert_five_windows(programs(launcher))


@pytest.mark.repeats
def test_no_python(start_apps):
    result = start_apps()
    assert result.code == 1
    assert "Python is not installed." in result.output
    assert "Store" not in result.output
    assert "python.org" in result.output


@pytest.mark.repeats
def test_only_the_store_stub(shell, tmp_path, start_apps):
    result = start_apps(store_stub(shell, tmp_path))
    assert result.code == 1
    assert "only opens the Microsoft Store" in result.output


@pytest.mark.repeats
@pytest.mark.parametrize("name", ["python", "py"])
def test_only_an_old_python(shell, tmp_path, start_apps, name):
    result = start_apps(Fake(shell, tmp_path / name, name, "python.py", **OLD))
    assert result.code == 1
    assert "older than 3.10" in result.output
    assert "Python 3.8.10" in result.output


def store_stub(shell, tmp_path):
    return Fake(shell, tmp_path / "Microsoft/WindowsApps", "python", "python.py", **STUB)


def existing_venv(project):
    """The fake Python in the folder .venv, to ask for its calls."""
    venv = object.__new__(Fake)
    venv.log_file = project / ".venv/Scripts/python.log"
    return venv
