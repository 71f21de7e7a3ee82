"""How to run a batch file: in cmd.exe on Windows, in that of the Wine bench on Linux.

The tests see one class, `Shell`, and no difference between the two.
"""

import ast
import io
import itertools
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.windows import wine_bench

ON_WINDOWS = os.name == "nt"
FAKES = Path(__file__).with_name("fakes")
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 240

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
import contextlib, psutil
from launcher import stop_windows
windows = stop_windows.our_windows()
for process in [*stop_windows.our_programs(windows), *windows]:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()
psutil.wait_procs(windows, timeout=30)
"""

CLOSE_WINDOW = """
import ctypes
from launcher import stop_windows
kernel32, title = ctypes.WinDLL("kernel32"), ctypes.create_unicode_buffer(256)
for window in stop_windows.our_windows():
    kernel32.FreeConsole()
    kernel32.AttachConsole(window.pid)
    kernel32.GetConsoleTitleW(title, len(title))
    if title.value.startswith({title!r}):
        handle = kernel32.GetConsoleWindow()
        kernel32.FreeConsole()  # what closes is the others' window
        ctypes.WinDLL("user32").PostMessageW(handle, 0x10, 0, 0)  # WM_CLOSE
"""


@dataclass
class Result:
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
            "RUN_PATH": ";".join([*map(self.windows_path, path), *self.system_path()]),
            "RUN_IN": self.windows_path(cwd or file.parent),
            "RUN_FILE": self.windows_path(file),
            "RUN_OUTPUT": self.windows_path(output),
        }
        # As a program starts it. A double-click's command line ends otherwise, see double_click().
        environment = {"CMDCMDLINE": f'cmd.exe /c "{variables["RUN_FILE"]}"'} | variables | environment
        code = self._call(output, environment)
        if not output.exists():  # cmd.exe opens it before anything else: Wine has not even started that (seen once)
            code = self._call(output, environment)
        assert output.exists(), f"cmd.exe did not start (code {code}):\n{self.text(self.words)}"
        return Result(code, self.text(output))

    def _call(self, output: Path, environment: dict[str, str]) -> int:
        """Has the trampoline call the batch file; its exit code."""
        command = [] if ON_WINDOWS else ["wine"]
        command += ["cmd", "/d", "/c", self.windows_path(self.trampoline)]
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

    def double_click(self, file: Path, **options) -> Result:
        """The same with the command line that Explorer uses: cmd.exe /c ""C:\\folder\\file.bat" "."""
        return self.run(file, CMDCMDLINE=f'cmd.exe /c ""{self.windows_path(file)}" "', **options)

    def python(self, code: str, cwd: Path, **environment: str) -> str:
        """What the Windows Python prints for `code`."""
        command = ([] if ON_WINDOWS else ["wine"]) + [self.windows_path(self.interpreter)]
        done = subprocess.run(
            [*command, "-c", code],
            cwd=cwd,
            env=self.environment() | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout.decode().strip()

    def windows_open(self, project: Path) -> int:
        """How many of the five windows of this project are open."""
        return int(self.python("from launcher import stop_windows; print(len(stop_windows.our_windows()))", project))

    def close_windows(self, project: Path) -> None:
        """Ends them and their programs by force."""
        self.python(CLOSE_WINDOWS, project)

    def close_window(self, title: str, project: Path) -> None:
        """Closes one of the five windows, as a click on its X does."""
        if ON_WINDOWS:
            self.python(CLOSE_WINDOW.format(title=title), project)
        else:
            search = ["xdotool", "search", "--name", f"^{title}$", "windowkill"]
            subprocess.run(search, check=True, env=self.environment(), timeout=PATIENCE_SECONDS)

    def environment(self) -> dict[str, str]:
        return dict(os.environ) if ON_WINDOWS else wine_bench.environment()

    @property
    def interpreter(self) -> Path:
        """A Windows Python that has the packages of requirements.txt."""
        return Path(sys.executable) if ON_WINDOWS else wine_bench.python_home() / "python.exe"

    @property
    def launcher(self) -> bytes:
        """The .exe that pip puts before a script to make a command of it."""
        packages = Path(sysconfig.get_path("purelib")) if ON_WINDOWS else self.interpreter.parent / "Lib/site-packages"
        return (packages / "pip/_vendor/distlib/t64.exe").read_bytes()

    def system_path(self) -> list[str]:
        root = os.environ["SYSTEMROOT"] if ON_WINDOWS else r"C:\windows"
        return [rf"{root}\system32", root]

    def windows_path(self, path: Path) -> str:
        return str(path) if ON_WINDOWS else wine_bench.windows_path(path)


def copy_project(folder: Path) -> Path:
    """What a learner gets, in a new folder, without what only this computer has."""
    kept = {"brokers", "labs", "launcher", "page", "plumbing", ".streamlit", "docker-compose.yml"}
    kept |= {"requirements.txt", "requirements"}
    folder.mkdir()
    for entry in ROOT.iterdir():
        if entry.is_dir() and entry.name in kept:
            shutil.copytree(entry, folder / entry.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif entry.name in kept or entry.suffix in (".bat", ".py"):
            shutil.copy(entry, folder)
    return folder


class Fake:
    """A program of our own under another's name, such as docker.exe; it does what its scenario says.

    It is one of the scripts in fakes/ behind the launcher that pip puts before its own commands; without site-packages
    (-S), which take long in Wine. The scenario and the logs of the calls are files beside it.
    """

    def __init__(self, shell: Shell, folder: Path, name: str, script: str, **scenario):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.scenario_file = folder / f"{name}.scenario"
        self.log_file = folder / f"{name}.log"
        self.play(**scenario)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as program:
            program.write(FAKES / script, "__main__.py")
        shebang = f'#!"{shell.windows_path(shell.interpreter)}" -S\r\n'
        (folder / f"{name}.exe").write_bytes(shell.launcher + shebang.encode() + archive.getvalue())

    def behind_batch_file(self, shell: Shell, name: str) -> Path:
        """A folder for the PATH where only a batch file of that name leads to this program."""
        folder = self.folder / "shims"
        folder.mkdir()
        program = shell.windows_path(self.log_file.with_suffix(".exe"))
        (folder / name).write_bytes(f'@echo off\r\n"{program}" %*\r\n'.encode())
        return folder

    def play(self, **scenario) -> None:
        self.scenario_file.write_text(repr(scenario), encoding="utf-8")

    def calls(self) -> list[dict]:
        files = sorted(self.log_file.parent.glob(f"{self.log_file.stem}*.log"))
        return [ast.literal_eval(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
