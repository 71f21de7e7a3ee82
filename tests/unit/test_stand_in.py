"""--stand-in: what it needs, and which engine it reaches. tests/docker shows that the engine works."""

import os
import platform
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import scheduling
from tests.docker import stand_in
from tests.docker.stand_in import engine, parts


@pytest.fixture
def suitable(monkeypatch):
    """A machine on which an engine can be started; gives what changes that."""
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "debian", "VERSION_CODENAME": "bookworm"})
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    return monkeypatch.setattr


@pytest.mark.parametrize(
    ("module", "name", "answer", "reason"),
    [
        (platform, "system", lambda: "Windows", "this is not Debian 12"),
        (platform, "freedesktop_os_release", lambda: {"VERSION_CODENAME": "noble"}, "this is not Debian 12"),
        # A Linux that does not say which one it is: OSError.
        (platform, "freedesktop_os_release", Path("no such file").read_text, "this is not Debian 12"),
        (os, "geteuid", lambda: 1000, "this user is not root"),
        (shutil, "which", lambda _name: None, "unshare is missing"),
    ],
)
def test_on_other_systems_it_says_what_it_needs_and_does_nothing(suitable, module, name, answer, reason):
    suitable(module, name, answer)
    suitable(parts, "fetch", lambda: pytest.fail("something was downloaded"))
    with pytest.raises(SystemExit) as refused:
        stand_in.run_pytest(["tests/docker"])
    assert reason in refused.value.code
    assert "Debian 12, as root" in refused.value.code


def test_the_tests_run_in_namespaces_of_their_own(suitable):
    calls = []
    suitable(parts, "fetch", lambda: None)
    suitable(stand_in.jars, "ensure", list)
    suitable(stand_in, "call", lambda command, **_more: calls.append(command) or 3)
    config = SimpleNamespace(
        getoption=lambda _name: True, invocation_params=SimpleNamespace(args=("tests/docker", "--stand-in", "-x"))
    )
    assert scheduling.pytest_cmdline_main(config) == 3
    (command,) = calls
    assert command[0] == "/usr/bin/unshare"
    assert {"--net", "--mount", "--pid", "--kill-child"} <= set(command)
    assert command[-5:] == [sys.executable, "-m", "tests.docker.stand_in", "tests/docker", "-x"]


def test_no_other_engine_is_reached(monkeypatch, tmp_path):
    for name in ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "COMPOSE_FILE"):
        monkeypatch.setenv(name, "somebody's")
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere:2375")
    reached = engine.environment(tmp_path)
    assert reached["DOCKER_HOST"] == f"unix://{tmp_path}/docker.sock"
    assert reached["DOCKER_CONFIG"] == str(tmp_path / "config")
    assert not [name for name in ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "COMPOSE_FILE") if name in reached]
    assert reached["PATH"].split(os.pathsep)[0] == str(parts.folder() / "engine/usr/bin")
