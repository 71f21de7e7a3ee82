"""stop_apps.bat ends the windows of this project, whatever path leads to it, and no others."""

import pytest

from tests.windows.shell import copy_project
from tests.windows.test_start_apps import programs, python

__all__ = ["python"]
pytestmark = pytest.mark.usefixtures("free_ports")


@pytest.mark.repeats
def test_stop_leaves_the_windows_of_others(shell, project, tmp_path, python):
    other = copy_project(tmp_path / "another clone")
    assert shell.run(other / "start_apps.bat", path=[python.folder]).code == 0
    programs(python)
    stop = shell.run(project / "stop_apps.bat", path=[python.folder])
    assert stop.output.strip() == "None of the five windows is open."
    assert shell.windows_open(other) == 5
    shell.run(other / "stop_apps.bat", path=[python.folder])


def test_stop_finds_windows_of_a_project_that_is_opened_through_a_link(shell, project, tmp_path, python):
    link = tmp_path / "link"
    link.symlink_to(project, target_is_directory=True)
    for start, stop in [(link, link), (link, project), (project, link)]:
        assert shell.run(start / "start_apps.bat", path=[python.folder]).code == 0
        output = shell.run(stop / "stop_apps.bat", path=[python.folder]).output
        shell.close_windows(project)
        assert output.strip() == "Ending 5 windows ..."


def test_stop_leaves_a_window_of_another_command_in_this_folder(shell, project, python):
    mine = project / "mine.bat"
    mine.write_bytes(b'start "Mine" cmd /k "echo my copy of producer.py"\r\n')
    assert shell.run(mine).code == 0
    find = """
import psutil
found = []
for process in psutil.process_iter():
    try:
        if "my copy" in " ".join(process.cmdline()) and "/k" in process.cmdline():
            found.append(process)
    except (psutil.Error, OSError):
        continue
"""
    try:
        stop = shell.run(project / "stop_apps.bat", path=[python.folder])
        assert stop.output.strip() == "None of the five windows is open."
        assert shell.python(f"{find}print(len(found))", project) == "1"
    finally:
        shell.python(f"{find}[process.kill() for process in found]", project)


def test_the_drive_of_a_network_path_stays_while_the_windows_stand_on_it(project):
    text = (project / "start_apps.bat").read_text()
    assert 'set "here=%~dp0"\nif not "%here:~0,2%%code%"=="\\\\0" popd\n' in text


@pytest.mark.repeats
def test_stop_without_python(shell, project):
    assert shell.run(project / "stop_apps.bat").code == 0
