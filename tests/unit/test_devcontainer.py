""".devcontainer: a container with all that run.py needs, for VS Code and for GitHub Codespaces."""

import json

import pytest

import settings
from launcher.cli import COMMANDS
from settings import ROOT
from tests.unit.test_environment import run

CONTAINER = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
LABELS = {int(port): of_port["label"] for port, of_port in CONTAINER["portsAttributes"].items()}


def test_the_ports_are_those_of_the_programs_and_of_kafdrop():
    consumers = {settings.CONSUMER_PORT + number: f"Consumer {number + 1}" for number in range(3)}
    others = {settings.PAGE_PORT: "The page", settings.PRODUCER_PORT: "Producer", settings.KAFDROP_PORT: "Kafdrop"}
    assert consumers | others == LABELS
    assert sorted(CONTAINER["forwardPorts"]) == sorted(LABELS)


def test_it_gets_ready_and_then_starts_everything():
    prepare, start = CONTAINER["postCreateCommand"], CONTAINER["postAttachCommand"]
    assert prepare.removeprefix("python run.py ") in COMMANDS
    assert start == "python run.py"


def test_it_has_docker():
    assert [name.rpartition("/")[2].partition(":")[0] for name in CONTAINER["features"]] == ["docker-in-docker"]


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
    unset = dict.fromkeys(("ALLOWED_HOSTS", "CODESPACE_NAME", "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN"), "")
    done = run("-c", "import settings; print(*settings.ALLOWED_HOSTS)", **unset | environment)
    assert done.stdout.strip() == expected
