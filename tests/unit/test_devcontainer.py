""".devcontainer: a container with all that run.py needs, for VS Code and for GitHub Codespaces."""

import json
import os
import subprocess
import sys

import pytest

import settings
from brokers.compose import COMPOSE_FILE
from launcher.cli import COMMANDS
from settings import ROOT

CONTAINER = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
LABELS = {int(port): of_port["label"] for port, of_port in CONTAINER["portsAttributes"].items()}


def test_the_ports_are_those_of_the_programs_and_of_kafdrop():
    assert sorted(CONTAINER["forwardPorts"]) == sorted(LABELS)
    assert LABELS[settings.PAGE_PORT] == "The page"
    assert LABELS[settings.PRODUCER_PORT] == "Producer"
    assert [LABELS[settings.CONSUMER_PORT + number] for number in range(3)] == [
        "Consumer 1",
        "Consumer 2",
        "Consumer 3",
    ]
    assert f":-{settings.KAFDROP_PORT}}}:9000" in COMPOSE_FILE.read_text(encoding="utf-8")
    assert LABELS[settings.KAFDROP_PORT] == "Kafdrop"
    assert len(LABELS) == 6


def test_it_gets_ready_and_then_starts_everything():
    prepare, start = CONTAINER["postCreateCommand"], CONTAINER["postAttachCommand"]
    assert prepare.removeprefix("python run.py ") in COMMANDS
    assert start == "python run.py"


def test_it_has_docker():
    assert [name.rpartition("/")[2].partition(":")[0] for name in CONTAINER["features"]] == ["docker-in-docker"]


def hosts(**environment: str) -> str:
    code = "import settings; print(*settings.ALLOWED_HOSTS)"
    left_out = ("ALLOWED_HOSTS", "CODESPACE_NAME", "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ""),
        ({"CODESPACE_NAME": "happy-fish-7x"}, "happy-fish-7x-8501.app.github.dev"),
        ({"CODESPACE_NAME": "a-1", "PAGE_PORT": "8600"}, "a-1-8600.app.github.dev"),
        ({"CODESPACE_NAME": "a-1", "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": "example.dev"}, "a-1-8501.example.dev"),
        ({"CODESPACE_NAME": "a-1", "ALLOWED_HOSTS": "mine.example"}, "mine.example a-1-8501.app.github.dev"),
    ],
)
def test_in_a_codespace_the_page_opens_under_its_forwarded_host(environment, expected):
    assert hosts(**environment) == expected
