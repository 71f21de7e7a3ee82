"""Packages by uv where it can be had, by pip where not. A stand-in for uv writes down how it is called."""

import json
import os
import subprocess
import sys

import pytest

from launcher import pip, setup, uv
from tests.unit.test_launcher import project

__all__ = ["project"]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in for uv is a script with a first line")
STAND_IN = f"""#!{sys.executable}
import json, os, sys
with open({{calls!r}}, "a") as calls:
    uv = {{{{name: value for name, value in os.environ.items() if name.startswith("UV_")}}}}
    calls.write(json.dumps([sys.argv[1:], uv]) + "\\n")
sys.exit({{code}})
"""
install_by_uv = uv.install


@pytest.fixture
def stand_in(project, monkeypatch, tmp_path):
    """Puts a uv on the PATH that ends with this exit code; returns what it was called with."""
    monkeypatch.setattr(uv, "install", install_by_uv)
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    calls = tmp_path / "calls"

    def put(code: int):
        script = tmp_path / "bin" / "uv"
        script.parent.mkdir()
        script.write_text(STAND_IN.format(calls=str(calls), code=code))
        script.chmod(0o755)
        monkeypatch.setenv("PATH", str(script.parent), prepend=os.pathsep)
        return lambda: [json.loads(line) for line in calls.read_text().splitlines()]

    return put


def test_uv_installs_what_the_lock_names_with_its_hashes(stand_in, project, monkeypatch):
    called = stand_in(0)
    monkeypatch.setattr(pip, "install", lambda *_: pytest.fail("not needed"))
    setup.enter("requirements.txt")
    [[words, _variables]] = called()
    assert words[:5] == ["pip", "install", "--python", str(setup.PYTHON), "--require-hashes"]
    locks = [words[number + 1] for number, word in enumerate(words) if word == "-r"]
    assert locks == [str(project / "requirements" / "lock.txt"), str(uv.LOCK_OF_PIP)]
    assert setup.PYTHON.exists()
    setup.enter("requirements.txt")
    assert len(called()) == 1


def test_pip_installs_what_uv_cannot(stand_in, capsys):
    called = stand_in(1)
    setup.enter("requirements.txt")
    assert "packages    installed in .venv" in capsys.readouterr().out
    assert [words[-1] == "--offline" for words, _variables in called()] == [False, True]
    assert subprocess.run([setup.PYTHON, "-m", "pip", "--version"], capture_output=True).returncode == 0


def test_uv_gets_the_users_package_sources_and_no_other_settings(stand_in, monkeypatch):
    called = stand_in(0)
    monkeypatch.setenv("PIP_INDEX_URL", "https://packages.example/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "/one /two")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("UV_SYSTEM_PYTHON", "1")
    monkeypatch.setenv("UV_NO_VERIFY_HASHES", "1")
    monkeypatch.setenv("UV_CACHE_DIR", "/cache")
    setup.enter("requirements.txt")
    [[words, variables]] = called()
    assert "--no-index" in words
    assert variables.pop("UV_DEFAULT_INDEX") == "https://packages.example/simple"
    assert variables.pop("UV_FIND_LINKS") == "/one,/two"
    assert variables.pop("UV_CACHE_DIR") == "/cache"
    assert variables == {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_SYSTEM_CERTS": "1", "UV_HTTP_RETRIES": "1"}


def test_the_users_settings_for_uv_override_those_for_pip(stand_in, monkeypatch):
    called = stand_in(0)
    monkeypatch.setenv("PIP_INDEX_URL", "https://packages.example/simple")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://other.example/simple")
    setup.enter("requirements.txt")
    [[_words, variables]] = called()
    assert variables["UV_DEFAULT_INDEX"] == "https://other.example/simple"
