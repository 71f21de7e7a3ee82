"""`.venv` with the packages of a requirements file, whatever Python and settings a learner has. Standard library only.

uv (https://docs.astral.sh/uv/) installs them, several times as fast as pip. It is the one on the PATH, or one that pip
fetches for this folder. What uv cannot do, pip tries, and has more words for a failure.
"""

import ast
import contextlib
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path, PurePosixPath
from subprocess import list2cmdline  # words as they are typed

import settings
from brokers.lock import wait_for
from launcher import terminal
from plumbing import Problem, child
from settings import ROOT

PROGRAMS = "requirements.txt"
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
PACKAGES = ("Lib" if os.name == "nt" else "lib/python*") + "/site-packages/*.dist-info"
UV = VENV / "uv" / "bin" / ("uv.exe" if os.name == "nt" else "uv")  # where the PATH has none
LOCK_OF_UV, LOCK_OF_PIP = (str(ROOT / "requirements" / name) for name in ("lock-uv.txt", "lock-pip.txt"))

# The Pythons for which all packages have wheels: these versions, with 64 bits, without free threads, not MSYS2's.
OLDEST, NEWEST = (3, 10), (3, 14)
RANGE = f">={OLDEST[0]}.{OLDEST[1]},<{NEWEST[0]}.{NEWEST[1] + 1}"  # as in pyproject.toml, for uv
FITS = f"""
import sys, sysconfig
right = {OLDEST} <= sys.version_info[:2] <= {NEWEST} and sys.implementation.name == "cpython" and sys.maxsize > 2**32
sys.exit(not right or "mingw" in sysconfig.get_platform() or bool(sysconfig.get_config_var("Py_GIL_DISABLED")))
"""
BASE: str = getattr(sys, "_base_executable", sys.executable)  # the Python that a `.venv` was made of
WITH_PIP = sys.executable if importlib.util.find_spec("pip") else BASE  # a `.venv` of uv has none
THIS_PYTHON = f"Python {platform.python_version()} ({platform.python_implementation()}, {sysconfig.get_platform()})"
# pip's settings that say where packages come from and how the network is reached; uv's variable and uv's word in files.
# No others reach pip and uv: `user` or `target` would keep the packages out of `.venv`.
SOURCES = {
    "index-url": ("UV_DEFAULT_INDEX", "index-url"),
    "extra-index-url": ("UV_INDEX", "extra-index-url"),
    "find-links": ("UV_FIND_LINKS", "find-links"),
    "trusted-host": ("UV_INSECURE_HOST", "allow-insecure-host"),
    "keyring-provider": ("UV_KEYRING_PROVIDER", "keyring-provider"),
    "proxy": ("ALL_PROXY", "https-proxy"),
    "cert": ("SSL_CERT_FILE", ""),
    "client-cert": ("SSL_CLIENT_CERT", ""),
    "no-index": ("", "no-index"),
    **dict.fromkeys(("timeout", "default-timeout", "retries", "cache-dir", "no-cache-dir"), ("", "")),
}
AGAIN = "then the same command again"
HOME = "move this folder into your home folder"
INSTALL = "install Python 3.13 for 64 bit (on Windows for ARM: the one for x64) from https://www.python.org/downloads/"
OTHER_INDEX = "try once more; if the error persists, ask whoever runs the package index or proxy that is set"
NO_NETWORK = "Max retries|NewConnection|NameResolution|ProxyError|unreachable|timed out|connection broken|error sending"
# What pip, uv or venv writes, what happened, what to do. The first that fits counts.
FAILURES = [
    (r"No space left|rror 112\b", "the disk is full: the packages need about 200 MB", "make room"),
    (r"rror (32|5)\b", "a program that runs has locked a file in .venv", "end it (stop_apps.bat; quit, in run.py)"),
    (r"Long Path|rror (206|3)\b|name too long", "the path of this folder is too long", r"move it: C:\hands-on-kafka"),
    (r"\[Errno \d+\] .* -> ", "this file system has no symbolic links, which .venv needs", HOME),
    (NO_NETWORK, "the packages cannot be downloaded: no network?", "connect (behind a proxy: set HTTPS_PROXY)"),
    ("HASHES|Hash mismatch", "a package is not the one that requirements/lock*.txt names by its SHA-256", OTHER_INDEX),
    ("(Configuration file could not .*)", "pip cannot read its settings: {0}", "correct that file"),
    (r"on found for (\S+)|ailed building wheel for (\S+)", "nothing fits this {python}: {0}", INSTALL),
    ("ensurepip|No module named", "this Python cannot make a virtual environment", "sudo apt install python3-venv"),
]


def enter(requirements: str) -> None:
    """Return inside `.venv` with everything of `requirements` installed: creates or repairs it if necessary, and starts
    run.py again with its Python. Raises `Problem`."""
    if os.pathsep in str(ROOT):
        raise Problem(f"Python cannot work in {ROOT}, which has a {os.pathsep} in its name", f"rename it, {AGAIN}")
    if os.name == "posix" and os.statvfs(ROOT).f_flag & getattr(os, "ST_NOEXEC", 0):
        raise Problem("no program can run in this folder: its file system is mounted with noexec", f"{HOME}, {AGAIN}")
    inside = Path(sys.prefix).resolve() == VENV.resolve()
    if not _is_complete(requirements):
        if inside and not _fits(PYTHON) and sys.executable != BASE:
            _start_again(BASE)  # no program can replace the Python that runs it
        # Another run.py may do the same.
        with terminal.progress("packages", "preparing .venv") as update, wait_for(ROOT / PROGRAMS):
            if not _is_complete(requirements):
                _install(requirements, update)
        terminal.say("packages", f"installed in {VENV.name}")
    if not inside or settings.foreign():
        _start_again(PYTHON)


def _is_complete(requirements: str) -> bool:
    """True if these requirements were installed completely, and no package was removed since."""
    with contextlib.suppress(OSError, ValueError):
        wanted, *packages = json.loads(_stamp(requirements).read_text(encoding="utf-8"))
        return PYTHON.exists() and wanted == _wanted(requirements) and _installed().issuperset(packages)
    return False


def lock_of(requirements: str) -> str:
    """The file that is installed: these requirements with all that they draw in, each package by its SHA-256."""
    name = PurePosixPath(requirements).name
    return "requirements/lock.txt" if requirements == PROGRAMS else f"requirements/lock-{name}"


def included(requirements: str) -> list[str]:
    """The requirements file and those that it includes."""
    text = (ROOT / requirements).read_text(encoding="utf-8")
    folder = PurePosixPath(requirements).parent  # pip, too, looks for an included file from there
    names = [os.path.normpath(folder / file) for file in re.findall(r"^-r (\S+)", text, re.MULTILINE)]
    return [requirements, *(file for name in names for file in included(Path(name).as_posix()))]


def _wanted(requirements: str) -> str:
    """Stands for all that the file asks for."""
    files = [lock_of(requirements), *included(requirements)]
    return hashlib.sha256(b"\0".join((ROOT / file).read_bytes() for file in files)).hexdigest()


def _stamp(requirements: str) -> Path:
    return VENV / f"installed-{PurePosixPath(requirements).name}"


def remember(requirements: str) -> None:
    """Note that all of this is installed, and in which packages."""
    for file in included(requirements):
        _stamp(file).write_text(json.dumps([_wanted(file), *sorted(_installed())]), encoding="utf-8")


def _installed() -> set[str]:
    """The packages in `.venv`: {"flask-3.1.3.dist-info", ...}."""
    return {path.name for path in VENV.glob(PACKAGES)}


def _install(requirements: str, update) -> None:
    made = _fits(PYTHON)
    try:
        if not made and VENV.exists():
            shutil.rmtree(VENV)
    except OSError as error:
        raise _why_it_failed(str(error)) from error
    sources = _sources()
    uv = shutil.which("uv") or _fetch_uv(update, sources)
    if not made:
        _make_venv(update, uv)
    update("installing")
    options = ["--no-deps", "--require-hashes", "-r", str(ROOT / lock_of(requirements))]
    by_uv = ["pip", "install", "--python", str(PYTHON), "--quiet", *options, "-r", LOCK_OF_PIP]
    by_uv += ["--no-index"] if "no-index" in sources else []
    # With a warm cache, the second way needs no network.
    if not any(_run_uv(uv, *by_uv, *more, sources=sources) for more in ([], ["--offline"])):
        _install_by_pip(options, sources)
    remember(requirements)


def _fits(python: str | Path) -> bool:
    """True if there are packages for this Python, and it works."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run([python, "-c", FITS], env=settings.environment(), capture_output=True, timeout=60, check=True)
        return True
    return False


def _make_venv(update, uv: str | None) -> None:
    """Of the Python that runs this, or of another one on this computer, or of one that uv fetches. Raises `Problem`."""
    make = ["venv", "--no-project", "--allow-existing", str(VENV), "--python"]
    if _fits(sys.executable):
        done = _run(sys.executable, "-m", "venv", "--without-pip", str(VENV), env=settings.environment())
        if done.returncode and not _run_uv(uv, *make, sys.executable):
            raise _why_it_failed(done.stdout)
        return
    what = f"the packages exist for Python 3.{OLDEST[1]} to 3.{NEWEST[1]}, 64 bit; this is {THIS_PYTHON}"
    terminal.say("python", f"{what}: using another one on this computer, or letting uv download one (35 MB)")
    update("looking for another Python")
    if not (_run_uv(uv, *make, RANGE) and _fits(PYTHON)):
        raise Problem(f"{what}, no other one is here, and none could be fetched", f"{INSTALL}, {AGAIN}")


def _run(*command: str, env: dict[str, str]) -> subprocess.CompletedProcess:
    return subprocess.run(command, env=env, **child.ONE_OUTPUT)


def _sources() -> dict[str, str]:
    """Of the user's settings of pip and of uv, those that `SOURCES` names. Of pip's, only pip itself knows all the
    places. Raises `Problem`."""
    every_file = settings.environment(PIP_USER="0", PIP_GLOBAL="0", PIP_SITE="0")  # `user = 1` limits this, too
    done = _run(WITH_PIP, "-m", "pip", "config", "list", env=every_file)
    if done.returncode and "No module named pip" not in done.stdout:
        raise _why_it_failed(" ".join(done.stdout.split()))
    lines = re.findall(r"^(global|install|:env:)\.([\w-]+)=(.+)$", done.stdout, re.MULTILINE)
    lines.sort(key=lambda line: ("global", "install", ":env:").index(line[0]))  # the later ones win
    chosen = {name: " ".join(ast.literal_eval(value).split()) for _, name, value in lines if name in SOURCES}
    for file in settings.files_of_uv():
        with contextlib.suppress(ImportError, OSError, ValueError):
            chosen |= _of_uv(file.read_text(encoding="utf-8"))
    return chosen


def _of_uv(text: str) -> dict[str, str]:
    """What a uv.toml says about it, in pip's words."""
    tomllib = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "pip._vendor.tomli")
    table = tomllib.loads(text)
    table |= table.get("pip", {})
    for index in table.get("index", []):
        if index.get("default"):
            table["index-url"] = index["url"]
        elif not index.get("explicit"):
            table["extra-index-url"] = [*table.get("extra-index-url", []), index["url"]]
    found = {name: table[word] for name, (_, word) in SOURCES.items() if table.get(word)}
    return {name: " ".join(value) if isinstance(value, list) else str(value) for name, value in found.items()}


def _run_uv(uv: str | None, *words: str, sources: dict[str, str] = {}) -> bool:  # noqa: B006
    """True if there is a uv, and it could do this."""
    # A hash decides whether a package is the right one, whichever index has it; a company's certificates are in the
    # system's store.
    variables = {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_SYSTEM_CERTS": "1", "UV_HTTP_RETRIES": "1"}
    variables |= {SOURCES[name][0]: value for name, value in sources.items() if SOURCES[name][0]}
    if "UV_FIND_LINKS" in variables:
        variables["UV_FIND_LINKS"] = ",".join(variables["UV_FIND_LINKS"].split())
    with contextlib.suppress(OSError):
        environment = settings.environment_of_installer(variables)
        return uv is not None and _run(uv, *words, "--no-config", env=environment).returncode == 0
    return False


def _run_pip(python: str | Path, *words: str, sources: dict[str, str]) -> subprocess.CompletedProcess:
    variables = {f"PIP_{name.replace('-', '_').upper()}": value for name, value in sources.items()}
    environment = settings.environment_of_installer({"PIP_CONFIG_FILE": os.devnull, **variables})
    options = ["--disable-pip-version-check", "--no-input", "--retries", "1"]
    return _run(str(python), "-m", "pip", "install", *options, *words, env=environment)


def _fetch_uv(update, sources: dict[str, str]) -> str | None:
    if not UV.exists():
        update("fetching uv")
        where = ["--target", str(VENV / "uv"), "--no-deps", "--only-binary", ":all:"]
        _run_pip(WITH_PIP, *where, "--require-hashes", "-r", LOCK_OF_UV, sources=sources)
    return str(UV) if UV.exists() else None


def _install_by_pip(options: list[str], sources: dict[str, str]) -> None:
    """Raises `Problem`."""
    if _run(str(PYTHON), "-c", "import pip", env=settings.environment()).returncode:
        done = _run(str(PYTHON), "-m", "ensurepip", env=settings.environment_of_installer({}))
        if done.returncode:
            raise _why_it_failed(done.stdout)
    done = _run_pip(PYTHON, *options, sources=sources)
    if done.returncode:
        raise _why_it_failed(done.stdout, list2cmdline([str(PYTHON), "-m", "pip", "install", *options]))


def _why_it_failed(output: str, command: str = "") -> Problem:
    """`command` shows all that pip writes, where this is not known here."""
    for pattern, what, hint in FAILURES:
        if found := re.search(pattern, output):
            words = [word for word in found.groups() if word]
            return Problem(what.format(*words, python=THIS_PYTHON), f"{hint}, {AGAIN}")
    reason = (re.findall(r"^ERROR.*", output, re.MULTILINE) or output.splitlines() or ["no reason given"])[-1]
    hint = f"{command}   (shows its full output)" if command else f"check that this folder can be written, {AGAIN}"
    return Problem(f"the packages cannot be installed: {reason}", hint)


def _start_again(python: str | Path) -> None:
    """Run the same command again with this Python."""
    command = [str(python), str(ROOT / "run.py"), *sys.argv[1:]]
    if os.name != "nt":
        # Python prints a traceback for a Ctrl+C while it starts. So that comes later: cli.main() lets it through.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        os.execve(python, command, settings.environment())
    # On Windows exec would give the prompt back at once, with the new process still running.
    inside = subprocess.Popen(command, env=settings.environment())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the one inside
    sys.exit(inside.wait())
