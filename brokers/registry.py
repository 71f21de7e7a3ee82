"""Apicurio Registry, the schema registry of lab 8, on the same Java as the broker without Docker.

Its settings are those of `docker-compose.yml`. It keeps nothing on disk: the schemas are events in a topic.
"""

import contextlib
import tarfile
import tempfile
import time
from pathlib import Path

import requests

from brokers import Progress, jars, java
from brokers.compose import Service
from brokers.local import FOLDER
from brokers.ports import insist_on_free
from plumbing import Problem, loopback
from plumbing.child import Child
from plumbing.kafka import broker_problem, security_protocol
from settings import BOOTSTRAP_SERVERS, LEARNER, ROOT

VERSION = jars.kafka_version(jars.REGISTRY).removeprefix("registry-")
TITLE = f"Apicurio Registry {VERSION}"
PORT = 8081
URL = f"http://127.0.0.1:{PORT}/apis/ccompat/v7"  # the API of Confluent's registry, which its clients speak
SCHEMAS = f"{LEARNER}-schemas"  # its topic
TOPICS = (SCHEMAS, f"{SCHEMAS}-snapshots", f"{SCHEMAS}-events")
LOG = FOLDER / "registry.log"
READ_LOG = f"read its log, {LOG.relative_to(ROOT).as_posix()}"
START_SECONDS = 180.0
STOP_SECONDS = 15.0


def answers(seconds: float = 2.0) -> bool:
    """True if a schema registry answers at URL."""
    with contextlib.suppress(requests.RequestException):
        return loopback.get(f"{URL}/subjects", timeout=seconds).ok
    return False


def unpacked(progress: Progress = print) -> Path:
    """The folder with its jars, beside the verified archive; fetched and unpacked first if it is not there. Raises
    `NotAvailable`."""
    if jars.broken_or_missing(jars.REGISTRY):
        progress(f"downloading {TITLE} (109 MB)")
    [archive] = jars.ensure(progress, jars.REGISTRY)
    folder = java.ARCHIVES / f"apicurio-registry-{VERSION}"
    if not folder.exists():
        progress("unpacking")
        folder.parent.mkdir(parents=True, exist_ok=True)
        # The temporary folder makes sure that there is never half of it.
        with tempfile.TemporaryDirectory(dir=folder.parent) as half, tarfile.open(archive) as tar:
            tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, _path: member)  # not in each 3.10
            tar.extractall(Path(half, folder.name))
            try:
                Path(half, folder.name).rename(folder)
            except OSError:
                if not folder.exists():  # another run.py did the same
                    raise
    return folder


class Registry:
    """One process on 127.0.0.1, beside the broker on BOOTSTRAP_SERVERS."""

    _child: Child | None = None

    def start(self, progress: Progress = print) -> None:
        """Return once it answers. Raises `Problem`."""
        insist_on_free(PORT, "schema registry", "type the same command again")
        if security_protocol() != "PLAINTEXT":
            what = f"the registry has no password for {BOOTSTRAP_SERVERS}, which needs one"
            raise Problem(
                what, "lab 8 also works on the mock, without a registry; or name another: SCHEMA_REGISTRY_URL"
            )
        if problem := broker_problem(BOOTSTRAP_SERVERS):
            raise problem
        folder = unpacked(progress)
        progress(f"starting {TITLE}")
        LOG.parent.mkdir(exist_ok=True)
        LOG.unlink(missing_ok=True)
        options = [*java.OPTIONS, "-Xmx256m", "-Djava.net.preferIPv4Stack=true"]
        command = [*java.command(), *options, "-jar", f"apicurio-registry-app-{VERSION}-runner.jar"]
        self._child = Child(*command, cwd=folder, environment=environment(), log=LOG)
        give_up_at = time.monotonic() + START_SECONDS
        while not answers():
            if time.monotonic() > give_up_at:
                raise Problem(f"the registry does not answer after {START_SECONDS:.0f} s", READ_LOG)
            self.insist_on_running()
            time.sleep(0.2)

    def insist_on_running(self) -> None:
        """Raises `Problem` once it has ended."""
        if not (self._child and self._child.running):
            raise Problem("the registry has ended", READ_LOG)

    def stop(self) -> None:
        if self._child:
            self._child.process.terminate()
            self._child.end(STOP_SECONDS)


def environment() -> dict[str, str]:
    """The compose file's, for this computer and learner."""
    described = Service(name="registry").environment
    own = {name: value.replace("labs-", f"{LEARNER}-") for name, value in described.items()}
    own |= {"APICURIO_KAFKASQL_BOOTSTRAP_SERVERS": BOOTSTRAP_SERVERS}
    return own | {"QUARKUS_HTTP_HOST": "127.0.0.1", "QUARKUS_HTTP_PORT": str(PORT), **java.LOCALE}
