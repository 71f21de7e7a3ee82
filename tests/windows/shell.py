"""How to run a batch file: in cmd.exe on Windows, in that of the Wine bench on Linux.

The tests see one class, `Shell`, and no difference between the two.
"""

import ast
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.fake_docker import PLAYER, FakeDocker
from tests.windows import wine_bench

ON_WINDOWS = os.name == "nt"
WINE = [] if ON_WINDOWS else ["wine"]
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 240
SYSTEM_PATH = [os.environ["SYSTEMROOT"] + r"\system32" if ON_WINDOWS else r"C:\windows\system32"]

# Starts the batch file in a known place with a known PATH. All that a test can choose comes as environment
# variables, so that no blank, & or umlaut ever stands on a command line. The output goes to a file, because the
# windows that start_apps.bat opens would keep a pipe open.
TRAMPOLINE = """\
@echo off
set "PATH=%RUN_PATH%"
cd /d "%RUN_IN%"
call "%RUN_FILE%" >"%RUN_OUTPUT%" 2>&1
exit /b %errorlevel%
"""
CLOSE_WINDOWS = """
import psutil
from launcher import windows
wanted = [window for window, ours in windows.our_windows().items() if ours["title"] in {titles} or not {titles}]
for process in [*windows.our_programs(wanted), *wanted]:
    process.kill()
psutil.wait_procs(wanted, timeout=30)
"""
# A .venv as run.py leaves it, with the packages of the Python that made it: nothing is downloaded.
MAKE_VENV = "import venv; venv.create('.venv', system_site_packages=True)\n"
MAKE_VENV += "from launcher import setup; setup.remember(setup.PROGRAMS)"


class Result(NamedTuple):
    code: int
    output: str


class Shell:
    """cmd.exe, with `folder` for the files that running it needs."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.numbers = itertools.count(1)
        self.trampoline = folder / "run.bat"
        self.words = folder / "words.txt"  # what cmd.exe, or Wine, says for itself
        self.trampoline.write_bytes(TRAMPOLINE.replace("\n", "\r\n").encode())

    def run(self, file: Path, *, path: list[Path] = (), cwd: Path | None = None, **environment: str) -> Result:
        """Runs the batch file `file` to its end. `path` goes before Windows' own folders on the PATH."""
        # Each run has a file of its own: the windows of start_apps.bat keep theirs open.
        output = self.folder / f"output {next(self.numbers)}.txt"
        variables = {
            "RUN_PATH": ";".join([*map(self.windows_path, path), *SYSTEM_PATH]),
            "RUN_IN": self.windows_path(cwd or file.parent),
            "RUN_FILE": self.windows_path(file),
            "RUN_OUTPUT": self.windows_path(output),
        }
        # As a program starts it. A double-click's command line ends with a blank.
        environment = {"CMDCMDLINE": f'cmd.exe /c "{variables["RUN_FILE"]}"'} | variables | environment
        code = self._call(output, environment)
        if not output.exists():  # cmd.exe opens it before anything else: Wine has not even started that (seen once)
            code = self._call(output, environment)
        assert output.exists(), f"cmd.exe did not start (code {code}):\n{self.text(self.words)}"
        return Result(code, self.text(output))

    def _call(self, output: Path, environment: dict[str, str]) -> int:
        """Has the trampoline call the batch file; its exit code."""
        command = [*WINE, "cmd", "/d", "/c", self.windows_path(self.trampoline)]
        with self.words.open("wb") as words:
            settings = {"env": self.environment() | environment, "stdin": subprocess.DEVNULL}
            done = subprocess.Popen(command, stdout=words, stderr=words, **settings)
        try:
            return done.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            done.kill()
            pytest.fail(f"no end within {PATIENCE_SECONDS} s:\n{self.text(output)}\n{self.text(self.words)}")

    @staticmethod
    def text(output: Path) -> str:
        """What was written there; nothing when cmd.exe did not get so far."""
        content = output.read_bytes() if output.exists() else b""
        return content.decode("oem" if ON_WINDOWS else "utf-8", errors="replace")

    def python(self, code: str, cwd: Path, **environment: str) -> str:
        """What the Windows Python prints for `code`."""
        command = [*WINE, self.windows_path(self.interpreter), "-c", code]
        options = {"stdin": subprocess.DEVNULL, "capture_output": True, "timeout": PATIENCE_SECONDS}
        done = subprocess.run(command, cwd=cwd, env=self.environment() | environment, **options)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout.decode().strip()

    def titles(self, project: Path) -> list[str]:
        """Those of the windows of this project that are open."""
        code = "from launcher.windows import *; print(sorted(ours['title'] for ours in our_windows().values()))"
        return ast.literal_eval(self.python(code, project))

    def close_windows(self, project: Path, *titles: str) -> None:
        """Ends them, by default all, and their programs by force."""
        self.python(CLOSE_WINDOWS.format(titles=titles), project)

    def environment(self) -> dict[str, str]:
        return dict(os.environ) if ON_WINDOWS else wine_bench.environment()

    @property
    def interpreter(self) -> Path:
        """A Windows Python that has the packages of requirements.txt."""
        return Path(sys.executable) if ON_WINDOWS else wine_bench.python_home() / "python.exe"

    def windows_path(self, path: Path) -> str:
        return str(path) if ON_WINDOWS else wine_bench.windows_path(path)


def copy_project(folder: Path) -> Path:
    """What a learner gets, in a new folder, without what only this computer has."""
    kept = {"brokers", "exercises", "labs", "launcher", "page", "plumbing", ".streamlit", "docker-compose.yml"}
    kept |= {"requirements.txt", "requirements"}
    folder.mkdir()
    for entry in ROOT.iterdir():
        if entry.is_dir() and entry.name in kept:
            shutil.copytree(entry, folder / entry.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif entry.name in kept or entry.suffix in (".bat", ".py"):
            shutil.copy(entry, folder)
    return folder


class Docker(FakeDocker):
    """A `docker` for the PATH of cmd.exe, in `folder`, which does what its scenario says: tests/docker_player.py."""

    def __init__(self, shell: Shell, folder: Path):
        self.folder = folder
        folder.mkdir()
        shutil.copy(PLAYER, folder / "docker.py")
        # -S: without site-packages, which take long in Wine.
        line = f'@"{shell.windows_path(shell.interpreter)}" -S "%~dp0docker.py" %*\r\n'
        (folder / "docker.bat").write_bytes(line.encode())
        self.play()
