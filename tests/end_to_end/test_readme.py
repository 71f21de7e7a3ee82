"""The README and docs/, played: every command that needs no Docker is typed, and the output they promise appears."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
import requests

from brokers.local import LocalBroker
from brokers.topic import create_likes
from tests.end_to_end.conftest import new_session, nothing_is_left
from tests.pages import LEFT_OPEN, Step, as_pattern, found, run_in_shell, steps, wait_for_shown
from tests.programs import ROOT, Program, answers, wait_until

# One session for all of them, in this order: the numbers of a page follow from the pages before it.
PAGES = [
    ROOT / "README.md",
    ROOT / "docs" / "http-api.md",
    ROOT / "docs" / "brokers.md",
    ROOT / "docs" / "troubleshooting.md",
    ROOT / "docs" / "page.md",
    ROOT / "docs" / "performance.md",
    ROOT / "docs" / "growing.md",
    ROOT / "docs" / "contributing.md",
    ROOT / "docs" / "RELIABILITY.md",
]
STEPS = [step for page in PAGES for step in steps(page)]
LEFT_OPEN_HERE = [*LEFT_OPEN, (r"\\\.\\\.\\\.", ".*")]  # `...` on a page stands for anything
FOR_EVER = {
    "python producer.py": "http://127.0.0.1:5001/health",
    "python consumer.py": "http://127.0.0.1:5002/health",
    "CONSUMER_PORT=5003 python consumer.py": "http://127.0.0.1:5003/health",
    "streamlit run producer_ui.py": "http://127.0.0.1:8501/_stcore/health",
}
SESSION = "python run.py"
# The session of this test; this very test; tests/labs/test_labs_9_and_10.py; tests/kafka/test_bench.py.
STARTED_ELSEWHERE = {SESSION, "python run.py test", "python run.py --brokers 3", "python run.py bench"}


@pytest.fixture(scope="module")
def shell_environment() -> dict[str, str]:
    """`python` and `streamlit` are those of the environment in which the tests run."""
    return {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}


def test_every_page_is_played():
    assert sorted(PAGES) == sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the blocks are for a POSIX shell")
@pytest.mark.skipif(not shutil.which("curl"), reason="install curl")
def test_the_tour(copy, shell_environment):
    """From the start to the last page, in the order of PAGES."""
    played = []
    with new_session(copy, "--broker", "local") as session:
        for step in STEPS:
            before = len(session.lines)
            if step.kind == "run":
                for line in step.commands:
                    session.type(line)
                    if line == "like":
                        wait_until(lambda: "\n".join(session.lines).count("Consumed") > played.count("like"), "it")
                    played.append(line)
                wait_for_shown(step, session, before, LEFT_OPEN_HERE)
            elif step.commands == [SESSION]:
                wait_for_shown(step, session, 0, LEFT_OPEN_HERE)
            else:
                play_in_shell(step, copy, shell_environment, played)
        session.type("quit")
        assert session.wait() == 0
    commands = [line for step in STEPS for line in step.commands]
    untested = set(commands) - set(played) - STARTED_ELSEWHERE - set(FOR_EVER)
    assert all(line.startswith("docker ") for line in untested), untested


def play_in_shell(step: Step, folder: Path, environment: dict, played: list[str]) -> None:
    output = []
    for line in step.commands:
        # The same command of Kafka's, by the same Java class, on the local broker.
        command = re.sub(r"^docker exec kafka (kafka-[a-z-]+)\.sh", r"python run.py \1", line)
        if line in STARTED_ELSEWHERE or line in FOR_EVER or command.startswith("docker "):
            continue
        done = run_in_shell(command, folder, environment)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        output += done.stdout.splitlines()
        assert not found('"error"', output) or found('"error"', step.shown), (line, output)
        played.append(line)
    if output:
        for line in step.shown:
            assert found(as_pattern(line, LEFT_OPEN_HERE), output), (line, output)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the blocks are for a POSIX shell")
def test_by_hand_with_four_terminals(copy, shell_environment):
    programs = []
    broker = LocalBroker(copy / ".kafka")
    try:
        with broker as servers:
            create_likes(servers)
            for line, health in FOR_EVER.items():
                assert any(line in step.commands for step in STEPS if step.kind == "sh"), line
                settings = {"PATH": shell_environment["PATH"], "STREAMLIT_SERVER_HEADLESS": "true"}
                programs.append(Program("sh", "-c", f"exec env {line}", cwd=copy, **settings))
                wait_until(lambda health=health: answers(health), line)
            order = requests.post("http://127.0.0.1:5001/like", timeout=20).json()["order"]
            wait_until(lambda: order in programs[1].likes() | programs[2].likes(), "the like")
            assert [program.interrupt() for program in programs[:3]] == [0, 0, 0]
    finally:
        for program in programs:
            program.kill()
    assert nothing_is_left()
