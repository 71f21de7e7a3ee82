"""Fixtures of the tests that have no broker."""

import os

import pytest

from tests.fake_docker import FakeDocker


@pytest.fixture
def engine(tmp_path, monkeypatch) -> FakeDocker:
    """A `docker` on the PATH that plays an engine."""
    if os.name == "nt":
        pytest.skip("this docker is a script with a #! line, which Windows does not start")
    engine = FakeDocker(tmp_path / "docker")
    monkeypatch.setenv("PATH", engine.path)
    return engine
