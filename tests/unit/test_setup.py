"""The set-up: any Python, `.venv` and settings of pip and uv end with the packages in `.venv`, or in one line."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from types import SimpleNamespace

import pytest

import settings
from brokers.lock import lock
from launcher import setup
from plumbing import Problem
from tests.programs import ROOT
from tests.scheduling import rest_repeats

REAL_UV = shutil.which("uv") or str(setup.UV)
posix = pytest.mark.skipif(os.name == "nt", reason="its stand-ins are scripts with a first line")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project that needs one package, likes 1, without a `.venv`; its folder has a blank in its name."""
    folder = tmp_path / "hands on"
    (folder / "requirements").mkdir(parents=True)
    wheel = tmp_path / "likes-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("likes.py", "")
        archive.writestr("likes-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: likes\nVersion: 1\n")
        archive.writestr("likes-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("likes-1.dist-info/RECORD", "likes.py,,\nlikes-1.dist-info/METADATA,,\n")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (folder / "requirements.txt").write_text("likes==1\nother==2; sys_platform == 'beos'\n")
    (folder / "requirements" / "dev.txt").write_text("-r ../requirements.txt\n")
    (folder / "requirements" / "nothing.txt").write_text("")
    for name in ("lock.txt", "lock-dev.txt"):
        (folder / "requirements" / name).write_text(f"likes==1 --hash=sha256:{digest}\n")
    for name, path in {"ROOT": folder, "VENV": folder / ".venv", "UV": folder / ".venv" / "no uv"}.items():
        monkeypatch.setattr(setup, name, path)
    monkeypatch.setattr(setup, "PYTHON", folder / ".venv" / setup.PYTHON.relative_to(ROOT / ".venv"))
    for name in ("LOCK_OF_UV", "LOCK_OF_PIP"):
        monkeypatch.setattr(setup, name, str(folder / "requirements" / "nothing.txt"))
    monkeypatch.setattr(setup, "_start_again", lambda python: setattr(setup, "started_again", python))
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", os.path.dirname(REAL_UV), prepend=os.pathsep)  # noqa: PTH120
    return folder


def has_likes() -> bool:
    return subprocess.run([setup.PYTHON, "-c", "import likes"], capture_output=True).returncode == 0


def test_it_is_set_up_once_and_what_is_missing_later_comes_back(project, capsys):
    setup.enter("requirements/dev.txt")
    assert "packages    installed in .venv" in capsys.readouterr().out
    setup.enter("requirements/dev.txt")
    setup.enter("requirements.txt")  # is part of the other
    assert capsys.readouterr().out == ""
    subprocess.run([REAL_UV, "pip", "uninstall", "--python", setup.PYTHON, "likes"], check=True, capture_output=True)
    assert not has_likes()  # as after `uv sync`, which removes all that pyproject.toml does not name
    for damage in (lambda: None, lambda: (project / "requirements.txt").write_text("likes==1\n")):
        damage()
        setup.enter("requirements.txt")
        assert has_likes()
        assert "installed" in capsys.readouterr().out


VENVS = {  # how it was made, whether it is kept
    "uv venv": ([REAL_UV, "venv", "--quiet", ".venv"], True),
    "without pip": ([sys.executable, "-m", "venv", "--without-pip", ".venv"], True),
    "half made": (["mkdir", ".venv"], False),
    "of another computer": (["sh", "-c", "mkdir -p .venv/bin && ln -s /gone/python .venv/bin/python"], False),
    "too old": (["sh", "-c", "mkdir -p .venv/bin && ln -s /bin/false .venv/bin/python"], False),
}


@posix
@pytest.mark.parametrize("made", VENVS)
def test_any_venv_is_used_or_replaced(project, made):
    command, kept = VENVS[made]
    subprocess.run(command, cwd=project, check=True)
    (project / ".venv" / "mark").touch()
    setup.enter("requirements.txt")
    assert has_likes()
    assert (project / ".venv" / "mark").exists() == kept


def test_no_python_removes_the_venv_that_it_runs_from(project, monkeypatch):
    (project / ".venv").mkdir()
    monkeypatch.setattr(sys, "prefix", str(project / ".venv"))
    monkeypatch.setattr(setup.shutil, "rmtree", lambda _: pytest.fail("it was removed"))
    monkeypatch.setattr(setup, "_start_again", sys.exit)
    with pytest.raises(SystemExit) as started:
        setup.enter("requirements.txt")
    assert started.value.code == setup.BASE


@pytest.mark.parametrize("tool", rest_repeats(["uv", "pip"]))
def test_packages_get_into_venv_whatever_is_set_for_pip(project, monkeypatch, tmp_path, tool):
    """In its file, in that of uv, and by variables."""
    elsewhere, (of_pip, of_uv) = tmp_path / "elsewhere", (tmp_path / name for name in ("pip.conf", "uv.toml"))
    of_pip.write_text(f"[global]\ntarget = {elsewhere}\n")
    of_uv.write_text(f"[pip]\ntarget = '{elsewhere}'\n")
    traps = {"PIP_CONFIG_FILE": of_pip, "PIP_TARGET": elsewhere, "PIP_USER": "1"}
    traps |= {"UV_CONFIG_FILE": of_uv, "UV_TARGET": elsewhere, "UV_SYSTEM_PYTHON": "1"}
    for name, value in traps.items():
        monkeypatch.setenv(name, str(value))
    if tool == "pip":
        monkeypatch.setattr(setup.shutil, "which", lambda _: None)
    setup.enter("requirements.txt")
    assert has_likes()
    assert not elsewhere.exists()


@posix
def test_where_packages_come_from_is_for_the_user_to_say(project, monkeypatch, tmp_path):
    """In the words of pip, whose file comes first, and of uv."""
    config = tmp_path / "config" / "uv" / "uv.toml"
    config.parent.mkdir(parents=True)
    config.write_text(
        'allow-insecure-host = ["a.example", "b.example"]\nexclude-newer = "2020-01-01"\n[pip]\nno-deps = true\n'
        '[[index]]\nurl = "https://one.example"\n[[index]]\nurl = "https://two.example"\ndefault = true\n'
    )
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip.example")
    monkeypatch.setenv("PIP_FIND_LINKS", "/one /two")
    monkeypatch.setenv("UV_CACHE_DIR", "/cache")
    monkeypatch.setenv("UV_NO_VERIFY_HASHES", "1")
    found = setup._sources()
    hosts = {"trusted-host": "a.example b.example", "extra-index-url": "https://one.example", "no-index": "1"}
    assert found == {"index-url": "https://two.example", "find-links": "/one /two", **hosts}
    calls = []

    def run(*command, env):
        calls.append((command, {name: value for name, value in env.items() if name.startswith(("UV_", "PIP_"))}))
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(setup, "_run", run)
    assert setup._run_uv("uv", "pip", "install", sources=found)
    setup._run_pip("python", "-r", "lock.txt", sources=found)
    (of_uv, uv), (_of_pip, pip) = calls
    assert of_uv[-1] == "--no-config"
    assert uv == {
        "UV_DEFAULT_INDEX": "https://two.example",
        "UV_INDEX": "https://one.example",
        "UV_FIND_LINKS": "/one,/two",
        "UV_INSECURE_HOST": "a.example b.example",
        "UV_CACHE_DIR": "/cache",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_SYSTEM_CERTS": "1",
        "UV_HTTP_RETRIES": "1",
    }
    assert pip["PIP_INDEX_URL"] == "https://two.example"
    assert pip["PIP_CONFIG_FILE"] == os.devnull
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://variable.example")
    assert settings.environment_of_installer(uv)["UV_DEFAULT_INDEX"] == "https://variable.example"


@pytest.mark.slow
def test_a_package_that_is_not_the_pinned_one_is_refused(project, monkeypatch):
    right = (project / "requirements" / "lock.txt").read_text()
    (project / "requirements" / "lock.txt").write_text(right[:-9] + "00000000\n")
    with pytest.raises(Problem, match="SHA-256"):  # by uv, and by pip
        setup.enter("requirements.txt")
    assert not has_likes()


@pytest.mark.slow
def test_without_network_the_packages_are_refused_in_one_line(project, monkeypatch):
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    with pytest.raises(Problem, match="no network") as refused:
        setup.enter("requirements.txt")
    assert refused.value.hint == "connect (behind a proxy: set HTTPS_PROXY), then the same command again"


PRETEND = {  # a Python for which there are no packages
    "too new": "sys.version_info = (3, 15, 0)",
    "too old": "sys.version_info = (3, 9, 18)",
    "32 bit": "sys.maxsize = 2**31 - 1",
    "MSYS2's": "sysconfig.get_platform = lambda: 'mingw_x86_64_ucrt_gnu'",
    "without the lock": "sysconfig.get_config_var = lambda _: 1",
    "PyPy": "sys.implementation.name = 'pypy'",
}


@pytest.mark.parametrize("pretend", ["", *PRETEND])
def test_which_pythons_have_packages(pretend):
    code = f"import sys, sysconfig; {PRETEND.get(pretend, '')}\n{setup.FITS}"
    assert subprocess.run([sys.executable, "-c", code]).returncode == bool(pretend)


@pytest.fixture
def unfit(project, monkeypatch):
    fits = setup._fits
    monkeypatch.setattr(setup, "_fits", lambda python: python != sys.executable and fits(python))


def test_for_a_python_without_packages_another_one_of_this_computer_is_taken(unfit, capsys):
    setup.enter("requirements.txt")
    assert has_likes()
    said = capsys.readouterr().out
    assert f"the packages exist for Python 3.10 to 3.14, 64 bit; this is {setup.THIS_PYTHON}: using another" in said
    assert "letting uv download one (35 MB)" in said


def test_where_no_other_python_can_be_had_the_version_to_install_is_named(unfit, monkeypatch):
    monkeypatch.setattr(setup, "_run_uv", lambda *_, **__: False)
    with pytest.raises(Problem, match=r"3\.10 to 3\.14, 64 bit; this is .+ none could be fetched") as refused:
        setup.enter("requirements.txt")
    assert refused.value.hint.startswith("install Python 3.13 for 64 bit (on Windows for ARM: the one for x64) from")


def test_every_place_names_the_same_pythons():
    versions = [f"3.{minor}" for minor in range(setup.OLDEST[1], setup.NEWEST[1] + 1)]
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'requires-python = "{setup.RANGE}"' in pyproject
    assert "[tool.uv]\nmanaged = false" in pyproject  # or `uv run` would leave a uv.lock, and `uv sync` an empty .venv
    assert f"Python {versions[0]} to {versions[-1]}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"python: {versions}".replace("'", '"') in (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")


WRITTEN = [  # by pip, uv and venv; what is said and what helps
    ("OSError: [Errno 28] No space left on device", "the disk is full", "make room"),
    ("[WinError 5] Access is denied: '.venv\\\\psutil.pyd'", "has locked a file", "end it (stop_apps.bat"),
    ("failed to remove file: The process cannot ... (os error 32)", "has locked a file", "end it (stop_apps.bat"),
    ("this system does not have Windows Long Path support enabled", "path of this folder is too long", "move it"),
    ("failed to open file (os error 206)", "path of this folder is too long", "move it"),
    ("Error: [Errno 1] Operation not permitted: 'lib' -> '/media/stick/.venv/lib64'", "no symbolic links", "move this"),
    ("Retrying after connection broken by ... \nNo matching distribution found for flask==3", "no network?", "connect"),
    ("No matching distribution found for confluent-kafka==2.16.1", "nothing fits this Python 3", "install Python 3.13"),
    ("ERROR: Failed building wheel for confluent-kafka", "confluent-kafka", "install Python 3.13"),
    ("Configuration file could not be loaded. a.conf", "a.conf", "correct that file"),
    ("created because ensurepip is not available", "this Python cannot make", "sudo apt install python3-venv"),
    ("ERROR: first\nERROR: new\nhint", "the packages cannot be installed: ERROR: new", "pip install"),
]


@pytest.mark.parametrize(("written", "what", "hint"), WRITTEN)
def test_why_the_packages_cannot_be_installed_is_said_with_what_helps(written, what, hint):
    problem = setup._why_it_failed(written, "pip install -r lock.txt")
    assert what in str(problem)
    assert problem.hint.startswith(hint)
    assert hint == "pip install" or problem.hint.endswith(", then the same command again")


def test_pips_broken_file_is_named(project, monkeypatch, tmp_path):
    (tmp_path / "pip.conf").write_text("[global\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    with pytest.raises(Problem, match=r"pip cannot read its settings: .*pip\.conf"):
        setup.enter("requirements.txt")


def test_a_folder_where_no_python_works_is_refused_at_once(project, monkeypatch):
    monkeypatch.setattr(setup, "_install", lambda *_: pytest.fail("too late"))
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=8), raising=False)
    monkeypatch.setattr(os, "ST_NOEXEC", 8, raising=False)
    if os.name == "posix":
        with pytest.raises(Problem, match="noexec") as refused:
            setup.enter("requirements.txt")
        assert refused.value.hint.startswith("move this folder into your home folder")
    monkeypatch.setattr(setup, "ROOT", project.with_name(f"a{os.pathsep}b"))
    with pytest.raises(Problem, match=f"has a {re.escape(os.pathsep)} in its name") as refused:
        setup.enter("requirements.txt")
    assert refused.value.hint == "rename it, then the same command again"


def test_two_at_once_do_not_get_into_each_others_way(project, monkeypatch):
    installed = []
    monkeypatch.setattr(setup, "_install", lambda *_: installed.append(1))
    monkeypatch.setattr(setup, "_is_complete", lambda _: bool(installed))
    with lock(project / "requirements.txt"):
        other = threading.Thread(target=setup.enter, args=["requirements.txt"])
        other.start()
        other.join(0.5)
        assert not installed
    other.join(60)
    assert installed == [1]
    setup.enter("requirements.txt")
    assert installed == [1]
