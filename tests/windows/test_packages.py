"""What start_apps.bat says when the packages cannot be installed."""

import pytest

from tests.scheduling import rest_repeats
from tests.windows.shell import Fake
from tests.windows.test_start_apps import NEW, python, start_apps

__all__ = ["python", "start_apps"]
pytestmark = pytest.mark.usefixtures("free_ports")


@pytest.mark.repeats
def test_a_half_made_venv_is_named(shell, project, python, start_apps):
    Fake(shell, project / ".venv/Scripts", "python", "python.py", **NEW | {"packages": False, "pip": None})
    result = start_apps(python)
    assert result.code == 1
    assert "The folder .venv is only half made" in result.output
    assert "rmdir /s /q .venv" in result.output
    assert "network" not in result.output


PIP_FAILURES = {
    "no network": (
        "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError(...)': /flask/\n"
        "ERROR: Could not find a version that satisfies the requirement flask==3.1.2 (from versions: none)",
        ["There is no network", "set HTTPS_PROXY="],
    ),
    "no wheel": (
        "ERROR: Could not find a version that satisfies the requirement confluent-kafka==2.16.1 (from versions: 0.9.2)",
        ["does not exist for this Python", "win-amd64", "64 bit", "rmdir /s /q .venv"],
    ),
    "no wheel, and no compiler": (
        "error: Microsoft Visual C++ 14.0 or greater is required.\nERROR: Failed building wheel for confluent-kafka",
        ["does not exist for this Python", "ARM64"],
    ),
    "locked": (
        "ERROR: Could not install packages due to an OSError: [WinError 5] Access is denied: '.venv\\\\psutil.pyd'",
        ["A program that runs has locked", "stop_apps.bat", "rmdir /s /q .venv"],
    ),
    "disk full": ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", ["room"]),
    "long path": (
        "HINT: This error might have occurred since this system does not have Windows Long Path support enabled.",
        ["too long for Windows", "C:\\hands-on-kafka"],
    ),
}


@pytest.mark.parametrize("failure", rest_repeats(PIP_FAILURES))
def test_why_pip_failed_is_said_in_its_own_words(python, start_apps, failure):
    says, expected = PIP_FAILURES[failure]
    python.play(**NEW | {"packages": False, "pip": 1, "says": says})
    result = start_apps(python)
    assert result.code == 1
    for words in expected:
        assert words in result.output
    assert ("network" in result.output) == (failure == "no network")


@pytest.mark.repeats
def test_installation_fails(python, start_apps):
    python.play(**NEW | {"packages": False, "pip": 1})
    result = start_apps(python)
    assert result.code == 1
    assert "No matching distribution found" in result.output
    assert "there is no network" in result.output
