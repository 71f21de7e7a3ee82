"""The five windows of start_apps.bat (`python run.py windows`): opens those that are closed. Windows only.

stop_apps.bat runs `python -m launcher.windows`: Ctrl+C for each program, then its window. A consumer that gets Ctrl+C
leaves its group, and the others take over its partitions at once. One that is ended by force is only missed when its
session times out, 6 s later.
"""

import contextlib
import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import psutil

import settings
from brokers.lock import wait_for
from brokers.ports import insist_on_free, port_holder
from launcher import terminal
from launcher.setup import VENV
from plumbing import Problem
from plumbing.waiting import wait_until
from settings import ROOT

ON_WINDOWS = os.name == "nt"
SEEN_SECONDS = 10.0  # at most, until a new window is there
NEW_CONSOLE = getattr(subprocess, "CREATE_NEW_CONSOLE", 0)  # only Windows has it
# Title -> command, port and, for a consumer, the variable that names it.
WINDOWS = {
    "Producer": ("python producer.py", 5001, {}),
    **{f"Consumer {n}": ("python consumer.py", 5001 + n, {"CONSUMER_PORT": str(5001 + n)}) for n in (1, 2, 3)},
    # Streamlit colours its greeting with codes that the console of Windows 10 would show as they are.
    "Streamlit": ("python -m streamlit run producer_ui.py --logger.hideWelcomeMessage true", 8501, {}),
}

# As `_open` writes them. Another command's window, which may well name one of the files, is not ours to end.
# pushd has given the drive to a folder in the network: to be given back.
COMMAND = re.compile(
    r"(set BORROWED=(?P<drive>\w:)& )?title (?P<title>[\w ]+)& "
    r"python (producer|consumer|-m streamlit run producer_ui)\.py.*"
)
PATIENCE_SECONDS = 10  # for a clean end; what is left then is ended by force
CTRL_C_EVENT = 0


def main(arguments: Sequence[str] = ()) -> int:
    """Open them; the exit code. `arguments`: the drive of start_apps.bat, `\\\\` for a folder in the network."""
    if not ON_WINDOWS:
        raise Problem("the five windows are for Windows", "python run.py   (all of it in this terminal)")
    with wait_for(VENV / "windows.lock"):  # another start_apps.bat may open them now
        opened = _opened()
        missing = {title: window for title, window in WINDOWS.items() if title not in opened}
        for title, (_command, port, _more) in missing.items():
            insist_on_free(port, f"window {title}", "start_apps.bat")
        for title, (command, _port, more) in missing.items():
            _open(title, command, "\\\\" in arguments, _environment() | more)
        wait_until(lambda: not missing or _opened() >= missing.keys(), SEEN_SECONDS)  # by the next start_apps.bat, too
    if not settings.CHOSEN_BOOTSTRAP_SERVERS and not port_holder(9092):
        terminal.say("kafka", "nothing answers on localhost:9092 yet: start_kafka.bat, create_likes_topic.bat")
    what = f"opened: {', '.join(missing)}" if missing else "all five are open already"
    terminal.say("windows", f"{what}; the page: http://localhost:8501; to end all of them: stop_apps.bat")
    return 0


def _opened() -> set[str]:
    return {ours["title"] for ours in our_windows().values()}


def _environment() -> dict[str, str]:
    """For every window. With .venv first on the PATH, what a lesson says (python consumer.py) can be typed there."""
    kept = settings.environment()
    kept["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
    return {name: value for name, value in kept.items() if name not in ("PRODUCER_PORT", "CONSUMER_PORT")}


def _open(title: str, command: str, borrowed: bool, environment: dict[str, str]) -> None:
    # /d: without what this computer runs in each cmd (AutoRun), which may go elsewhere. /k: the last lines can be read.
    # The folder as it was entered: cmd cannot work in \\server\...
    folder = Path.cwd() if Path.cwd().samefile(ROOT) else ROOT
    drive = f"set BORROWED={folder.drive}& " if borrowed else ""
    line = f"cmd /d /k {drive}title {title}& {command}"
    subprocess.Popen(line, cwd=folder, env=environment, creationflags=NEW_CONSOLE)


def our_windows() -> dict[psutil.Process, re.Match]:
    """The cmd.exe of each of our windows, which works in this folder, and its `COMMAND`."""
    found = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):  # ended meanwhile, or another user's
            _, _, command = " ".join(process.cmdline()).partition(" /k ")
            # A link, a mapped drive and `subst` give the folder another path.
            if (ours := COMMAND.fullmatch(command.strip(' "'))) and Path(process.cwd()).samefile(ROOT):
                found[process] = ours
    return found


def our_programs(windows: Iterable[psutil.Process]) -> list[psutil.Process]:
    """The programs that run in these windows."""
    programs = []
    for window in windows:
        with contextlib.suppress(psutil.Error, OSError):
            programs += [one for one in window.children(recursive=True) if ".py" in " ".join(one.cmdline())]
    return programs


def press_ctrl_c(pid: int) -> None:
    """Sends Ctrl+C to the console of process `pid`.

    taskkill has no way to do that: without /F it asks a window to close, and it finds none when Windows
    Terminal draws the console. Only a process in that console can send Ctrl+C to it, so this one moves there.
    """
    kernel32 = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]
    kernel32.FreeConsole()
    if kernel32.AttachConsole(pid):
        kernel32.SetConsoleCtrlHandler(None, True)  # every process in the console gets it; this one ignores it
        kernel32.GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0)


def stop() -> None:
    windows = our_windows()
    if not windows:
        print("None of the five windows is open.")
        for _command, port, _more in WINDOWS.values():
            if holder := port_holder(port):
                print(f"Port {port} is taken by {holder}. To end it: {holder.how_to_end}")
        return
    programs, drives = our_programs(windows), {ours["drive"] for ours in windows.values()} - {None}
    print(f"Ending {len(windows)} windows ...", flush=True)  # while this process still has a screen
    for window in windows:
        press_ctrl_c(window.pid)
    _, alive = psutil.wait_procs(programs, timeout=PATIENCE_SECONDS)
    # Or this process would end with the last window it visited.
    ctypes.WinDLL("kernel32").FreeConsole()  # type: ignore[attr-defined]
    for process in [*alive, *windows]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(windows, timeout=PATIENCE_SECONDS)
    for drive in drives:
        subprocess.run(["net", "use", drive, "/delete", "/yes"], stdin=subprocess.DEVNULL, capture_output=True)


if __name__ == "__main__":
    stop()
