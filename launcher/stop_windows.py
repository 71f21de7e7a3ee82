"""Ends what start_apps.bat opened: Ctrl+C for each program, then its window. Windows only; stop_apps.bat runs it.

A consumer that gets Ctrl+C leaves its group, and the others take over its partitions at once. One that is
ended by force is only missed when its session times out, 6 s later.
"""

import contextlib
import ctypes
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import psutil

from brokers.ports import port_holder
from settings import ROOT

# As launcher/windows.py opens them. Another command's window, which may well name one of the files, is not ours to end.
# pushd has given the drive to a folder in the network: to be given back.
COMMAND = re.compile(
    r"(set BORROWED=(?P<drive>\w:)& )?title (?P<title>[\w ]+)& "
    r"python (producer|consumer|-m streamlit run producer_ui)\.py.*"
)
PORTS = (5001, 5002, 5003, 5004, 8501)
PATIENCE_SECONDS = 10  # for a clean end; what is left then is ended by force
CTRL_C_EVENT = 0


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


def main() -> None:
    windows = our_windows()
    if not windows:
        print("None of the five windows is open.")
        for port in PORTS:
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
    main()
