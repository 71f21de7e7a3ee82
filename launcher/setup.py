"""`.venv` with the packages of a requirements file. Standard library only: it runs before they are installed."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path, PurePath, PurePosixPath

import settings
from launcher import pip, terminal, uv
from plumbing import Problem
from settings import ROOT

VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

PROGRAMS = "requirements.txt"


def enter(requirements: str) -> None:
    """Return inside `.venv` with everything of `requirements` installed: creates or repairs it if
    necessary, and starts run.py again with its Python. Raises `Problem`."""
    if not _is_complete(requirements):
        _install(requirements)
    if Path(sys.prefix).resolve() != VENV.resolve() or settings.foreign():
        _start_again()


def _is_complete(requirements: str) -> bool:
    """Whether the last installation of these requirements was completed."""
    stamp = _stamp(requirements)
    return PYTHON.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == _wanted(requirements)


def lock_of(requirements: str) -> str:
    """The file that pip installs: these requirements with all that they draw in, each package by its SHA-256."""
    return "requirements/lock.txt" if requirements == PROGRAMS else f"requirements/lock-{PurePath(requirements).name}"


def _included(requirements: str) -> list[str]:
    """The requirements file and those that it includes."""
    text = (ROOT / requirements).read_text(encoding="utf-8")
    folder = PurePosixPath(requirements).parent  # pip, too, looks for an included file from there
    names = [os.path.normpath(folder / file) for file in re.findall(r"^-r (\S+)", text, re.MULTILINE)]
    return [requirements, *(file for name in names for file in _included(PurePath(name).as_posix()))]


def _wanted(requirements: str) -> str:
    """All that the file asks for, as its stamp remembers it."""
    files = [lock_of(requirements), *_included(requirements)]
    return "".join((ROOT / file).read_text(encoding="utf-8") for file in files)


def _stamp(requirements: str) -> Path:
    return VENV / f"installed-{PurePosixPath(requirements).name}"


def _install(requirements: str) -> None:
    with terminal.progress("packages", "preparing .venv") as update:
        if not _works():
            _remove_venv()
        if not uv.install(update, VENV, PYTHON, ROOT / lock_of(requirements)):
            if not _works():
                _remove_venv()
                _create_venv()
            update("installing")
            pip.install(update, PYTHON, ROOT / lock_of(requirements))
    _check(requirements)
    for file in _included(requirements):
        _stamp(file).write_text(_wanted(file), encoding="utf-8")
    terminal.say("packages", f"installed in {VENV.name}")


def _check(requirements: str) -> None:
    """Whether what pip has installed is in `.venv`: its stamp would be believed for ever. Raises `Problem`."""
    names = [name for file in _included(requirements) for name in _names(file)]
    code = "import importlib.metadata as m, sys; [m.version(name) for name in sys.argv[1:]]"
    done = subprocess.run([PYTHON, "-c", code, *names], env=settings.environment(), capture_output=True, text=True)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1]
        raise Problem(f"pip has put the packages somewhere else than into .venv: {reason}", f"{PYTHON} -m pip debug")


def _names(requirements: str) -> list[str]:
    """The packages that the file names for every system."""
    text = (ROOT / requirements).read_text(encoding="utf-8")
    return re.findall(r"^([\w-]+)==[^;\n]*$", text, re.MULTILINE)


def _works() -> bool:
    """Whether `.venv` has a Python that is new enough and has pip: not one that is half created, that
    was copied from another machine, or whose Python has been removed since."""
    try:
        check = "import pip, sys; sys.exit(sys.version_info < (3, 10))"
        done = subprocess.run([PYTHON, "-c", check], env=settings.environment(), capture_output=True, timeout=60)
        return done.returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _remove_venv() -> None:
    if VENV.exists():
        try:
            shutil.rmtree(VENV)
        except OSError as error:
            raise Problem(
                f"{VENV} is broken and cannot be removed: {error.strerror}",
                "close the programs that use it, remove the folder, and type: python run.py",
            ) from error


def _create_venv() -> None:
    command = [sys.executable, "-m", "venv", str(VENV)]
    done = subprocess.run(command, env=settings.environment(), capture_output=True, text=True, errors="replace")
    if done.returncode:
        output = (done.stdout + done.stderr).strip()
        if "ensurepip" in output or "No module named venv" in output:
            raise Problem(
                "this Python cannot make a virtual environment",
                "sudo apt install python3-venv, then: python run.py",
            )
        if "PATH separator" in output:
            what = f"the folder {ROOT} has a {os.pathsep} in its name, and Python cannot work there"
            raise Problem(what, "rename it, then: python run.py")
        reason = output.splitlines()[-1] if output else "no reason given"
        raise Problem(f".venv cannot be created: {reason}", _TRY_AGAIN)


_TRY_AGAIN = "check that the disk has room and the folder is writable, then: python run.py"


def _start_again() -> None:
    """Run the same command again with the Python of `.venv`."""
    command = [str(PYTHON), str(ROOT / "run.py"), *sys.argv[1:]]
    if os.name != "nt":
        # Python prints a traceback for a Ctrl+C while it starts. So that comes later: cli.main() lets it through.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        os.execve(PYTHON, command, settings.environment())
    # On Windows exec would give the prompt back at once, with the new process still running.
    inside = subprocess.Popen(command, env=settings.environment())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the one inside
    sys.exit(inside.wait())
