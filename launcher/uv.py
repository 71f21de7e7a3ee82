"""Packages by uv (https://docs.astral.sh/uv/), several times as fast as pip. Standard library only.

It is the one on the PATH, or pip installs one for this folder. Where it cannot be had or does not get through, pip does
its work, and tells the reason of a failure in more words.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import settings
from launcher import pip
from settings import ROOT

LOCK = ROOT / "requirements" / "lock-uv.txt"
LOCK_OF_PIP = ROOT / "requirements" / "lock-pip.txt"  # `pip install` by hand goes on working
# pip's settings that say where packages come from, as uv calls them.
VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "keyring-provider": "UV_KEYRING_PROVIDER",
    "proxy": "ALL_PROXY",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
}


def install(update, venv: Path, python: Path, lock: Path) -> bool:
    """Whether uv could be had and could install what this lock names, and nothing else. `.venv` is made if necessary;
    the progress is reported to `update`. Raises `Problem`."""
    if not importlib.util.find_spec("pip"):
        return False
    sources = pip.sources_of_packages(sys.executable)
    try:
        tool = _find(venv) or _download(update, venv, sources)
        if not tool:
            return False
        if not python.exists():
            make = [sys.executable, "-m", "venv", "--without-pip", str(venv)]
            subprocess.run(make, env=settings.environment(), capture_output=True, check=True)
        update("installing")
        return _run(tool, python, [lock, LOCK_OF_PIP], sources)
    except (OSError, subprocess.SubprocessError):
        return False


def _find(venv: Path) -> str | None:
    """The one on the PATH, or ours."""
    own = venv / "uv" / "bin" / ("uv.exe" if os.name == "nt" else "uv")
    return shutil.which("uv") or (str(own) if own.exists() else None)


def _download(update, venv: Path, sources: dict[str, str]) -> str | None:
    update("downloading uv")
    folder = str(venv / "uv")
    command = [sys.executable, "-m", "pip", "install", "--target", folder, "--no-deps", "--only-binary", ":all:"]
    command += ["--no-input", "--disable-pip-version-check", "--retries", "1", "--require-hashes", "-r", str(LOCK)]
    subprocess.run(command, env=pip.environment(sources), stdin=subprocess.DEVNULL, capture_output=True)
    return _find(venv)


def _run(tool: str, python: Path, locks: list[Path], sources: dict[str, str]) -> bool:
    command = [tool, "pip", "install", "--python", str(python), "--require-hashes", "--no-python-downloads", "--quiet"]
    command += [word for lock in locks for word in ("-r", str(lock))]
    if "no-index" in sources:
        command.append("--no-index")
    # A hash decides whether a package is the right one, whichever index has it; a company's certificates are in the
    # system's store.
    variables = {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_SYSTEM_CERTS": "1", "UV_HTTP_RETRIES": "1"}
    variables |= {VARIABLES[name]: value for name, value in sources.items() if name in VARIABLES}
    if "find-links" in sources:
        variables["UV_FIND_LINKS"] = ",".join(sources["find-links"].split())
    options: dict[str, Any] = {
        "env": settings.environment_of_uv(variables),
        "stdin": subprocess.DEVNULL,
        "capture_output": True,
    }
    # With a warm cache, the second way needs no network.
    return any(subprocess.run([*command, *more], **options).returncode == 0 for more in ([], ["--offline"]))
