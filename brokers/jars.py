"""The jars of Apache Kafka, pinned by SHA-256 and kept in Maven's local repository.

There are two versions: 3, which the lessons describe, and 4, the current one (`--kafka 4`); and the schema registry of
lab 8. Their lists, such as `jars-3.7.2.sha256`, have the format of `sha256sum`, so you can check them without this
project:

    cd ~/.m2/repository && sha256sum --check .../brokers/jars-3.7.2.sha256

`python -m brokers.jars 3.7.2` writes the list for a version, replacing the one for the same major version.
"""

import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path, PurePosixPath

from brokers import NotAvailable, Progress
from settings import M2_REPO, ROOT

LISTS = Path(__file__).parent
LESSONS, CURRENT = VERSIONS = 3, 4  # what --kafka chooses
REGISTRY = "registry-3"


def default_repository() -> Path:
    """Maven's, which other projects share; in this folder if the user has no home to write to."""
    try:
        own = Path.home() / ".m2" / "repository"
    except RuntimeError:  # neither HOME nor an entry in the user database
        return ROOT / ".m2" / "repository"
    return own if own.is_dir() or os.access(Path.home(), os.W_OK) else ROOT / ".m2" / "repository"


REPOSITORY = (Path(M2_REPO) if M2_REPO else default_repository()).absolute()  # Java runs in another folder
DOWNLOADS_AT_ONCE = 8
ATTEMPTS = 3
SILENT_SECONDS = 60


def list_of(kafka: int | str) -> Path:
    """The file with the pinned jars of version 3 or 4, or of the REGISTRY."""
    [file] = LISTS.glob(f"jars-{kafka}.*.sha256")
    return file


def pinned(kafka: int | str = LESSONS) -> dict[str, str]:
    """Path of each jar inside the repository -> its SHA-256 in hex."""
    lines = list_of(kafka).read_text(encoding="utf-8").splitlines()
    return {path: digest for digest, path in (line.split("  ", 1) for line in lines)}


def kafka_version(kafka: int | str = LESSONS) -> str:
    """The pinned version of Apache Kafka, such as "3.7.2"."""
    return list_of(kafka).stem.removeprefix("jars-")


def broken_or_missing(kafka: int | str = LESSONS) -> list[str]:
    """The pinned jars that the local repository lacks, or has with different content."""
    return [path for path, digest in pinned(kafka).items() if sha256(REPOSITORY / path) != digest]


def ensure(progress: Progress = print, kafka: int | str = LESSONS) -> list[Path]:
    """Paths of all pinned jars, verified; missing or broken ones are fetched first.

    Raises `NotAvailable` if a jar cannot be downloaded.
    """
    wanted = pinned(kafka)
    missing = broken_or_missing(kafka)
    for count, path in enumerate(fetch({path: wanted[path] for path in missing}), start=1):
        progress(f"downloaded {count} of {len(missing)} files ({PurePosixPath(path).name})")
    return [REPOSITORY / path for path in wanted]


def sha256(file: Path) -> str | None:
    """The file's SHA-256 in hex; None if it does not exist."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def fetch(jars: dict[str, str]) -> Iterator[str]:
    """Download the jars in parallel; yields each path once its jar is in the repository."""
    if not jars:
        return
    import requests
    from jgo.maven import MavenContext

    REPOSITORY.mkdir(parents=True, exist_ok=True)
    urls = MavenContext().remote_repos.values()
    # jgo itself asks for each jar's description and checksums first, over separate connections: 12 s instead of 1.
    # The temporary folder makes sure that the repository never holds half a jar.
    with (
        tempfile.TemporaryDirectory(dir=REPOSITORY, prefix=".hands-on-kafka-") as folder,
        requests.Session() as session,
        ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool,
    ):
        downloads = [pool.submit(_download, path, digest, urls, session, folder) for path, digest in jars.items()]
        try:
            for download in as_completed(downloads):
                yield download.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _download(path: str, digest: str, urls: Iterable[str], session, folder: str) -> str:
    problem = "it has another SHA-256 than the list in brokers/"
    half = Path(folder, digest)
    for url in [*urls] * ATTEMPTS:
        try:
            answer = session.get(f"{url}/{path}", timeout=SILENT_SECONDS)
            answer.raise_for_status()
            half.write_bytes(answer.content)
        except OSError as error:  # includes those of requests
            problem = _reason(error)
            continue
        if sha256(half) == digest:
            (REPOSITORY / path).parent.mkdir(parents=True, exist_ok=True)
            half.replace(REPOSITORY / path)
            return path
    raise NotAvailable(f"could not download {PurePosixPath(path).name}: {problem}", _remedy(problem))


def _remedy(problem: str) -> str:
    if re.match("HTTPError|.*Tunnel connection failed", problem):  # there is a network, and something in it refuses
        return (
            "ask the administrator of the network or its proxy to allow Maven Central; or start Docker; or copy "
            f"{REPOSITORY} from a computer that has it; then type the same command again"
        )
    return "check the network (a proxy? set HTTPS_PROXY) and type the same command again"


def _reason(error: BaseException) -> str:
    """The innermost cause in one line: `requests` wraps an unknown host name three times."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _pin(version: str) -> None:
    """Resolve Kafka `version` with its dependencies, and write its list."""
    import jgo
    from jgo.maven import MavenContext

    artifacts = jgo.resolve(f"org.apache.kafka:kafka_2.13:{version}+org.slf4j:slf4j-simple:1.7.36")
    # Kafka's command line. Without its dependencies: what it needs is here already, and of 3.7 one of them
    # (slf4j-log4j12, moved) does not resolve.
    artifacts.append(MavenContext().project("org.apache.kafka", "kafka-tools").at_version(version).artifact())
    files = sorted(Path(artifact.resolve()) for artifact in artifacts)
    lines = [f"{sha256(file)}  {file.relative_to(REPOSITORY).as_posix()}\n" for file in files]
    for former in LISTS.glob(f"jars-{version.partition('.')[0]}.*.sha256"):
        former.unlink()
    (LISTS / f"jars-{version}.sha256").write_text("".join(lines), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    _pin(sys.argv[1])
