"""Packages by pip: with hashes, and from where the user's settings say. Standard library only."""

import ast
import os
import re
import subprocess
from pathlib import Path

import settings
from plumbing import Problem, child

NO_NETWORK = "Max retries|NewConnectionError|NameResolutionError|ProxyError|Network is unreachable|timed out"
# Of the user's settings of pip, in variables and files, those that say where packages come from. The others, such as
# `user` and `target`, would keep them out of `.venv`.
SOURCES = (
    *("index-url", "extra-index-url", "no-index", "find-links", "trusted-host", "proxy", "cert", "client-cert"),
    *("timeout", "default-timeout", "retries", "cache-dir", "no-cache-dir", "keyring-provider"),
)


def sources_of_packages(python: str | Path) -> dict[str, str]:
    """Those of pip's settings. Only pip itself knows all the places where a user may have set something.
    Raises `Problem`."""
    every_file = settings.environment(PIP_USER="0", PIP_GLOBAL="0", PIP_SITE="0")  # `user = 1` limits this command, too
    command = [str(python), "-m", "pip", "config", "list"]
    done = subprocess.run(command, env=every_file, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise _why_it_failed((done.stdout + done.stderr).splitlines())
    lines = re.findall(r"^(global|install|:env:)\.([\w-]+)=(.+)$", done.stdout, re.MULTILINE)
    lines.sort(key=lambda line: ("global", "install", ":env:").index(line[0]))  # the later ones win
    chosen = {name: ast.literal_eval(value) for _where, name, value in lines if name in SOURCES}
    return {name: " ".join(value.split()) for name, value in chosen.items()}


def environment(sources: dict[str, str]) -> dict[str, str]:
    variables = {f"PIP_{name.replace('-', '_').upper()}": value for name, value in sources.items()}
    return settings.environment_of_pip(PIP_CONFIG_FILE=os.devnull, **variables)


def install(update, python: Path, lock: Path) -> None:
    """Install what this lock names and nothing else, and report the progress to `update`. Raises `Problem`."""
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar", "off", "--retries", "2", "--require-hashes", "-r", str(lock)]
    output = []
    variables = environment(sources_of_packages(python))
    with subprocess.Popen(command, env=variables, **child.ONE_OUTPUT) as installing:
        assert installing.stdout is not None
        for line in installing.stdout:
            output.append(line.strip())
            if name := re.match(r"(?:Collecting|Downloading) ([A-Za-z_.-]*[A-Za-z])", line.strip()):
                update(f"installing {name[1]}")
            elif line.startswith("Installing"):
                update("installing, almost done")
    if installing.returncode:
        raise _why_it_failed(output, lock, python)


def _why_it_failed(output: list[str], lock: Path = Path(), python: str | Path = "python") -> Problem:
    text = "\n".join(output)
    if "No space left" in text:
        return Problem("the disk is full: the packages need about 700 MB", "make room, then: python run.py")
    if re.search(NO_NETWORK, text):
        return Problem(
            "the packages cannot be downloaded: no network?",
            "connect (behind a proxy: set HTTPS_PROXY), then: python run.py",
        )
    if "THESE PACKAGES DO NOT MATCH THE HASHES" in text:
        return Problem(
            f"a package is not the one that requirements/{lock.name} names by its SHA-256",
            "python run.py, once more; if it stays so, ask the operator of the package index or proxy that pip uses",
        )
    if "Configuration file could not be loaded" in text:
        return Problem(" ".join(output), "correct that file of pip's, then: python run.py")
    errors = [line for line in output if line.startswith("ERROR")] or output or ["no output from pip"]
    return Problem(
        f"pip could not install the packages: {errors[-1]}",
        f"{python} -m pip install -r {lock}   shows its full output",
    )
