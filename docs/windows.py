"""Take docs/windows.png again: the five windows of start_apps.bat, with a real Kafka behind them.

python run.py test --collect-only -q                    installs what is needed
.venv/bin/python tests/windows/wine_bench.py            Windows programs on Linux; Debian 12, as root
.venv/bin/python -m pip install pillow                  takes the screenshot
.venv/bin/python docs/windows.py
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import requests
from PIL import ImageGrab

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from brokers.local import LocalBroker  # noqa: E402
from tests.brokers import with_topic  # noqa: E402
from tests.programs import wait_until  # noqa: E402
from tests.windows import wine_bench  # noqa: E402
from tests.windows.shell import Shell, copy_project  # noqa: E402

PICTURE = ROOT / "docs" / "windows.png"
LIKES = 6
SCREEN = "2090x730"
WINDOW = 82 + 13 * 65536  # columns and lines of a console
PLACES = {"Producer": (355, 10), "Streamlit": (1050, 10), "Consumer 1": (10, 370), "Consumer 2": (705, 370)}
PLACES["Consumer 3"] = (1400, 370)
ARRANGE = """
import ctypes
user32 = ctypes.windll.user32
title = ctypes.create_unicode_buffer(256)
@ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
def move(window, _):
    user32.GetWindowTextW(ctypes.c_void_p(window), title, 256)
    place = {places}.get(title.value.split(" - ")[0])
    if place:
        user32.SetWindowPos(ctypes.c_void_p(window), None, *place, 0, 0, 0x15)  # keep size and order
    return 1
user32.EnumWindows(move, None)
"""


def consumers_ready() -> bool:
    try:
        answers = [requests.get(f"http://127.0.0.1:{port}/status", timeout=5).json() for port in (5002, 5003, 5004)]
    except requests.RequestException:
        return False
    return [answer["assignment"] for answer in answers] == [[0], [1], [2]]


def page_ready() -> bool:
    try:
        return requests.get("http://127.0.0.1:8501/_stcore/health", timeout=5).ok
    except requests.RequestException:
        return False


@contextlib.contextmanager
def registry(shell: Shell, key: str, name: str, kind: str, value: str) -> Iterator[None]:
    """A value in Wine's registry while the block runs."""

    def reg(*arguments: str) -> None:
        subprocess.run(["wine", "reg", *arguments, "/f"], env=shell.environment(), stdout=subprocess.DEVNULL)

    reg("add", key, "/v", name, "/t", kind, "/d", value)
    try:
        yield
    finally:
        reg("delete", key, "/v", name)


def take_picture(shell: Shell, project: Path) -> None:
    started = shell.run(project / "start_apps.bat", path=[shell.interpreter.parent])
    assert started.code == 0, started.output
    wait_until(consumers_ready, "three consumers", 90)
    wait_until(page_ready, "the page", 90)
    for _ in range(LIKES):
        requests.post("http://127.0.0.1:5001/like", timeout=20).raise_for_status()
    shell.python(ARRANGE.format(places=PLACES), project)
    time.sleep(3)  # until everything is drawn
    ImageGrab.grab(xdisplay=os.environ["DISPLAY"]).save(PICTURE)
    stopped = shell.run(project / "stop_apps.bat", path=[shell.interpreter.parent])
    assert stopped.code == 0, stopped.output


def main() -> None:
    import pytest

    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        screen = ["Xvfb", "-displayfd", "1", "-screen", "0", f"{SCREEN}x24"]
        display = subprocess.Popen(screen, stdout=subprocess.PIPE, text=True)
        patch.setenv("DISPLAY", ":" + display.stdout.readline().strip())
        try:
            with LocalBroker(folder / "kafka") as servers:
                with_topic(servers)
                (folder / "shell").mkdir()
                shell, project = Shell(folder / "shell"), copy_project(folder / "hands-on-kafka")
                # Without a window manager Wine has to draw the title bars itself.
                with (
                    registry(shell, r"HKCU\Software\Wine\X11 Driver", "Managed", "REG_SZ", "N"),
                    registry(shell, r"HKCU\Console", "WindowSize", "REG_DWORD", str(WINDOW)),
                    registry(shell, r"HKCU\Console", "ScreenBufferSize", "REG_DWORD", str(WINDOW)),
                ):
                    take_picture(shell, project)
        finally:
            subprocess.run(["wineserver", "--kill"], env=wine_bench.environment())
            display.terminate()
    print(PICTURE)


if __name__ == "__main__":
    main()
