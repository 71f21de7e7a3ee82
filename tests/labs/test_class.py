"""The teacher's page: everything is fetched beforehand, and learners share a broker, each with a separate topic and
group."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.end_to_end.conftest import READY
from tests.labs.play import PAGES, missing
from tests.pages import found, steps
from tests.programs import PATIENCE, ROOT, Program

PAGE = ROOT / "labs" / "TEACHER.md"
PREPARE, TOGETHER = steps(PAGE)


@pytest.mark.slow
def test_prepare_reports_that_everything_is_there(copy):
    assert not missing(PREPARE, copy)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the block is for a POSIX shell")
def test_two_learners_on_one_broker(launched, copy, tmp_path, start):
    anna = tmp_path / "anna"
    leave = shutil.ignore_patterns(".kafka")
    shutil.copytree(copy, anna, symlinks=True, ignore=leave)
    for name in ("producer.py", "consumer.py"):
        edit(anna / name, 'TOPIC = "likes"\n', 'TOPIC = "likes-anna"\n')
    *settings, last = TOGETHER.commands
    assert last == "python run.py"
    session = start(Program("sh", "-c", "\n".join([*settings, f"exec {sys.executable} run.py"]), cwd=anna))
    session.wait_for(READY)
    session.type("like")
    session.wait_for("^consumer-1 . Consumed: order=1 partition=0 ")
    assert requests.get("http://127.0.0.1:5102/status", timeout=10).json()["group"] == "likes-anna"
    program = "\n".join([*settings, f"{sys.executable} run.py labs/lab_02_groups/second_group.py"])
    done = subprocess.run(["sh", "-c", program], cwd=anna, capture_output=True, text=True, timeout=PATIENCE)
    assert "anna-second has read 1 events" in done.stdout, done.stdout + done.stderr
    session.type("quit")
    assert session.wait() == 0
    assert not found("likes-anna", launched.lines)


@pytest.mark.slow
def test_a_topic_that_was_changed_in_one_file_only_is_one_clear_line(copy, tmp_path):
    ben = tmp_path / "ben"
    shutil.copytree(copy, ben, symlinks=True, ignore=shutil.ignore_patterns(".kafka"))
    edit(ben / "producer.py", 'TOPIC = "likes"\n', 'TOPIC = "likes-ben"\n')
    done = subprocess.run([sys.executable, "run.py"], cwd=ben, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1
    assert done.stdout.startswith("producer.py writes to the topic likes-ben, consumer.py reads likes\n")


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_the_syllabus_lists_every_lab_by_its_title():
    syllabus = (ROOT / "labs" / "README.md").read_text(encoding="utf-8")
    for number, page in PAGES.items():
        title = page.read_text(encoding="utf-8").splitlines()[0].partition(": ")[2]
        assert f"| [{number}. {title}]({page.parent.name}/README.md) |" in syllabus
