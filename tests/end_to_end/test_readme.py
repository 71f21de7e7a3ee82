"""The README, played: every command that needs no Docker is typed, and what it promises to show is shown."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from brokers.local import LocalBroker
from launcher.session import create_topic
from tests.end_to_end.conftest import READY, nothing_is_left, run_py
from tests.programs import ROOT, Program, wait_until

BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
FOR_EVER = {
    "python producer.py": "http://127.0.0.1:5001/health",
    "python consumer.py": "http://127.0.0.1:5002/health",
    "CONSUMER_PORT=5003 python consumer.py": "http://127.0.0.1:5003/health",
    "streamlit run producer_ui.py": "http://127.0.0.1:8501/_stcore/health",
}
# The session of this test; this very test; a test of test_run.py; tests/kafka/test_bench.py.
STARTED_ELSEWHERE = {"python run.py", "python run.py test", "python run.py --brokers 3", "python run.py bench"}


def as_pattern(line: str) -> str:
    """The shown line with times, process ids, offsets of later likes and topic ids left open."""
    pattern = re.escape(line.rstrip())
    pattern = re.sub(r"\d{4}\\-\d\d\\-\d\d(\\ |T)\d\d:\d\d:\d\d", r"\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d", pattern)
    pattern = re.sub(r"\b\d{13}\b", r"\\d{13}", pattern)
    pattern = re.sub(r"pid\\ \d+", r"pid \\d+", pattern)
    return re.sub(r"TopicId:\\ \S+?\\\t", r"TopicId: \\S+\\\t", pattern)


def steps():
    """(kind, text, what is shown after it) of each block of commands."""
    for number, (kind, text) in enumerate(BLOCKS):
        if kind in ("sh", "run"):
            following = BLOCKS[number + 1] if number + 1 < len(BLOCKS) else ("", "")
            yield kind, text, following[1].splitlines() if following[0] == "text" else []


@pytest.fixture(scope="module")
def shell_environment() -> dict[str, str]:
    """`python` and `streamlit` are those of the environment in which the tests run."""
    return {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}


@pytest.mark.skipif(sys.platform == "win32", reason="the blocks are for a POSIX shell")
@pytest.mark.skipif(not shutil.which("curl"), reason="install curl")
def test_the_tour(copy, shell_environment):
    """From the start to the command line of Kafka, in the order of the README."""
    subprocess.run([sys.executable, "run.py", "clean"], cwd=copy, check=True)
    session = run_py(copy, "--broker", "local")
    played = []
    try:
        session.wait_for(READY, seconds=180)
        for kind, text, shown in steps():
            if kind == "run":
                before = len(session.lines)
                for line in text.splitlines():
                    session.type(line)
                    if line == "like":
                        wait_until(
                            lambda: len(re.findall("Consumed", "\n".join(session.lines))) >= likes(played) + 1, "it"
                        )
                    played.append(line)
                for line in shown:
                    pattern = as_pattern(line)
                    wait_until(lambda before=before, pattern=pattern: found(pattern, session.lines[before:]), line)
            else:
                run_in_shell(text, shown, copy, shell_environment, played)
        session.type("quit")
        assert session.wait() == 0
    finally:
        session.process.terminate()
        session.wait()
        session.kill()
    commands = [line for kind, text, _ in steps() if kind in ("sh", "run") for line in text.splitlines()]
    untested = set(commands) - set(played) - STARTED_ELSEWHERE - set(FOR_EVER)
    assert all(line.startswith("docker ") for line in untested), untested


def likes(played: list[str]) -> int:
    return sum(line == "like" for line in played)


def found(pattern: str, lines: list[str]) -> bool:
    return any(re.search(f"^{pattern}", line) for line in lines)


def run_in_shell(text: str, shown: list[str], folder: Path, environment: dict, played: list[str]) -> None:
    output = ""
    for line in text.splitlines():
        if line in STARTED_ELSEWHERE or line in FOR_EVER or line.startswith("docker "):
            continue
        done = subprocess.run(
            line, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        assert '"error"' not in done.stdout, (line, done.stdout)
        output += done.stdout if done.stdout.endswith("\n") else f"{done.stdout}\n"
        played.append(line)
    if output:
        for line in shown:
            assert found(as_pattern(line), output.splitlines()), (line, output)


@pytest.mark.skipif(sys.platform == "win32", reason="the blocks are for a POSIX shell")
def test_by_hand_with_four_terminals(copy, shell_environment):
    programs = []
    broker = LocalBroker(copy / ".kafka")
    try:
        with broker as servers:
            create_topic(servers)
            for line, health in FOR_EVER.items():
                assert ("sh", f"{line}\n") in BLOCKS
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


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False
