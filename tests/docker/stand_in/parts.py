"""Debian's packages of which the engine and the images are made, unpacked into the user's cache.

Nothing is installed: apt gets lists and a folder of its own. The folder in the cache is named after this file, so
another list of packages makes another folder.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hands-on-kafka" / "docker-stand-in"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
RELEASES = ("bookworm", "trixie")
# Debian 12 has no Compose v2, and an engine of 2020. Those of Debian 13 run on it, except for its runc, which wants a
# newer C library.
ENGINE = ["docker.io/trixie", "docker-cli/trixie", "docker-compose/trixie", "containerd/trixie", "runc/bookworm"]
# Names of containers are resolved through rules that the engine sets with iptables.
IPTABLES = ["iptables", "libip4tc2", "libip6tc2", "libxtables12", "libnftnl11", "libmnl0", "libnetfilter-conntrack3"]
IPTABLES = [f"{package}/bookworm" for package in [*IPTABLES, "libnfnetlink0"]]
IMAGES = ["libc6/trixie", "bash-static/trixie", "busybox-static/trixie"]


def folder() -> Path:
    """Where the present parts are, or would be: `engine` and `images`, each a tree from / on."""
    return CACHE / hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]


def fetch() -> None:
    """Download and unpack them, unless they are there (about 80 MB; 10 s)."""
    if folder().exists():
        return
    print("--stand-in: downloading Docker Engine and Compose, as packages of Debian", flush=True)
    shutil.rmtree(CACHE, ignore_errors=True)  # those of another list
    CACHE.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as work:
        work = Path(work)
        own = apt(work)
        _call([*own, "update"])
        for name, packages in (("engine", ENGINE + IPTABLES), ("images", IMAGES)):
            (work / name).mkdir()
            (work / "parts" / name).mkdir(parents=True)
            _call([*own, "download", *packages], cwd=work / name)
            for package in (work / name).glob("*.deb"):
                _call(["dpkg-deb", "--extract", str(package), str(work / "parts" / name)])
        for name in ("iptables", "ip6tables"):  # Debian's links to them are made when the package is installed
            (work / "parts/engine/usr/sbin" / name).symlink_to("xtables-nft-multi")
        with contextlib.suppress(OSError):  # another process was quicker
            (work / "parts").rename(folder())


def apt(work: Path) -> list[str]:
    """apt-get with the lists of both releases in `work`; the proxy and the rest are the system's."""
    for name in ("lists/partial", "cache/archives/partial"):
        (work / name).mkdir(parents=True)
    sources = [f"deb [signed-by={KEYRING}] {_mirror()} {name} main\n" for name in RELEASES]
    (work / "sources.list").write_text("".join(sources))
    options = {
        "Dir::Etc::SourceList": work / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::Etc::Preferences": "/dev/null",
        "Dir::Etc::PreferencesParts": "/dev/null",
        "Dir::State::Lists": work / "lists",
        "Dir::Cache": work / "cache",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "root",  # its own user may not write into this folder
    }
    return ["apt-get", "--quiet=2", *(f"--option={name}={value}" for name, value in options.items())]


def _mirror() -> str:
    """Where this system has its own Debian from."""
    targets = ["apt-get", "indextargets", "--format", "$(CODENAME) $(COMPONENT) $(REPO_URI)", "Identifier: Packages"]
    for line in _call(targets).splitlines():
        release, component, address = line.split(" ", 2)
        if (release, component) == (RELEASES[0], "main"):
            return address
    raise SystemExit(f"--stand-in: apt knows no source of Debian's {RELEASES[0]}: run apt-get update")


def _call(command: list[str], **more) -> str:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **more
    )
    if done.returncode:
        raise SystemExit(f"--stand-in: {' '.join(command[:1] + command[-2:])} failed:\n{done.stdout}")
    return done.stdout
