"""dockerd, started by hand in the namespaces of this process."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from plumbing.waiting import wait_until
from tests.docker.stand_in import parts

LABEL = "stand-in=hands-on-kafka"  # identifies it in `docker info`
START_SECONDS = 60.0
STOP_SECONDS = 60.0  # it stops the containers first


def environment(folder: Path) -> dict[str, str]:
    """The environment with which Docker's command reaches this engine and no other."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DOCKER_", "COMPOSE_"))}
    root = parts.folder() / "engine/usr"
    return kept | {
        "PATH": os.pathsep.join([str(root / "bin"), str(root / "sbin"), kept["PATH"]]),
        "DOCKER_HOST": f"unix://{folder}/docker.sock",
        "DOCKER_CONFIG": str(folder / "config"),  # neither the user's contexts nor their passwords
    }


def _of_dockerd(folder: Path) -> dict[str, str]:
    """As `environment`, with the libraries of iptables."""
    libraries = next((parts.folder() / "engine/usr/lib").glob("*/xtables"))
    return environment(folder) | {"LD_LIBRARY_PATH": str(libraries.parent), "XTABLES_LIBDIR": str(libraries)}


@contextlib.contextmanager
def engine() -> Iterator[dict[str, str]]:
    """An engine with empty data; returns the environment in which `docker` reaches it."""
    with tempfile.TemporaryDirectory(prefix="docker-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "config").mkdir()
        (folder / "config/cli-plugins").symlink_to(parts.folder() / "engine/usr/libexec/docker/cli-plugins")
        (folder / "dockerd.json").write_text("{}")  # not /etc/docker/daemon.json, which is another engine's
        command = [
            "dockerd",
            f"--config-file={folder}/dockerd.json",
            f"--data-root={folder}/data",
            f"--exec-root={folder}/exec",
            f"--pidfile={folder}/pid",
            f"--host=unix://{folder}/docker.sock",
            f"--label={LABEL}",
            f"--cgroup-parent={folder.name}",
        ]
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                command,
                env=_of_dockerd(folder),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl+C is for the tests, which still need it to clean up
            )
        try:
            _wait_until_it_answers(process, folder)
            yield environment(folder)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()  # what it leaves running ends with the namespace
            _remove_groups(folder.name)


def _wait_until_it_answers(process: subprocess.Popen, folder: Path) -> None:
    def answers() -> bool:
        return not subprocess.run(["docker", "info"], env=environment(folder), capture_output=True).returncode

    wait_until(lambda: answers() or process.poll() is not None, START_SECONDS)
    if not answers():
        raise SystemExit(f"--stand-in: the engine did not start:\n{(folder / 'log').read_text()[-3000:]}")


def _remove_groups(name: str) -> None:
    """Remove the empty control groups that the engine leaves, in version 1 (one for each controller) or 2."""
    groups = Path("/sys/fs/cgroup")
    for group in [*groups.glob(name), *groups.glob(f"*/{name}")]:
        with contextlib.suppress(OSError):
            group.rmdir()
