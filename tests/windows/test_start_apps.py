"""start_apps.bat and stop_apps.bat: which Python they take, and their windows. See also tests/unit/test_windows.py."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.windows.shell import MAKE_VENV, Shell

FIVE = ["Consumer 1", "Consumer 2", "Consumer 3", "Producer", "Streamlit"]
PYTHONS = {  # on the PATH; who is called
    "python": ({"python": True}, "python run.py windows"),
    "py, and the Store's stub": ({"python": False, "py": True}, "py -3 run.py windows"),
    "none": ({}, ""),
    "an old one": ({"python": False, "py": False}, ""),
}


@pytest.mark.parametrize("found", PYTHONS)
def test_a_python_is_found_or_named_as_missing(shell, project, found, tmp_path):
    files, called = PYTHONS[found]
    for name, works in files.items():
        # Batch files, as pyenv has them: without `call`, the one that calls them would end there.
        lines = [
            f'@if "%{2 if name == "py" else 1}"=="-c" exit /b {0 if works else 1}',
            "@echo %~n0 %* [%PYTHONHOME%]",
            "@exit /b 0",
        ]
        (tmp_path / f"{name}.bat").write_bytes("\r\n".join([*lines, ""]).encode())
    result = shell.run(project / "start_apps.bat", path=[tmp_path], PYTHONHOME=r"C:\gone")
    assert result.code == (0 if called else 1)
    assert not called or called in result.output
    assert ("There is no Python 3.10 or newer" in result.output) != bool(called)
    assert not called or "[]" in result.output
    assert shell.run(project / "stop_apps.bat", path=[tmp_path]).code == 0


@pytest.mark.usefixtures("free_ports")
def test_two_double_clicks_open_five_windows(shell, project, tmp_path):
    for name in ("producer.py", "consumer.py"):
        (project / name).write_text('import time\nTOPIC = "likes"\ntime.sleep(600)\n')
    shell.python(MAKE_VENV, project)
    (tmp_path / "second shell").mkdir()
    start = project / "start_apps.bat"
    try:
        with ThreadPoolExecutor() as pool:
            results = list(pool.map(lambda one: one.run(start), [shell, Shell(tmp_path / "second shell")]))
        assert [result.code for result in results] == [0, 0], results
        assert sum("all five are open already" in result.output for result in results) == 1
        assert shell.titles(project) == FIVE
    finally:
        shell.close_windows(project)
