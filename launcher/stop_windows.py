"""Ends what start_apps.bat opened: Ctrl+C for each program, then its window. Windows only; stop_apps.bat runs it.

A consumer that gets Ctrl+C leaves its group, and the others take over its partitions at once. One that is
ended by force is only missed when its session times out, 6 s later.
"""

import contextlib
import ctypes
from pathlib import Path

import psutil

from settings import ROOT

PROGRAMS = ("producer.py", "consumer.py", "producer_ui.py")
PATIENCE_SECONDS = 10  # for a clean end; what is left then is ended by force
CTRL_C_EVENT = 0


def runs_ours(process: psutil.Process) -> bool:
    """Whether the command line of `process` names one of the programs."""
    try:
        return any(program in argument for argument in process.cmdline() for program in PROGRAMS)
    except (psutil.Error, OSError):  # ended meanwhile, or another user's
        return False


def is_our_window(process: psutil.Process) -> bool:
    """Whether it is the cmd.exe of a window: opened with /k, in this folder, for one of the programs."""
    try:
        return runs_ours(process) and "/k" in process.cmdline() and Path(process.cwd()) == ROOT
    except (psutil.Error, OSError):
        return False


def our_windows() -> list[psutil.Process]:
    """The cmd.exe of each of our windows."""
    return [process for process in psutil.process_iter() if is_our_window(process)]


def our_programs(windows: list[psutil.Process]) -> list[psutil.Process]:
    """The programs of this project that run in these windows."""
    programs = []
    for window in windows:
        with contextlib.suppress(psutil.NoSuchProcess):  # closed meanwhile
            programs += filter(runs_ours, window.children(recursive=True))
    return programs


def press_ctrl_c(pid: int) -> None:
    """Sends Ctrl+C to the console of process `pid`.

    taskkill has no way to do that: without /F it asks a window to close, and it finds none when Windows
    Terminal draws the console. Only a process in that console can send Ctrl+C to it, so this one moves there.
    """
    kernel32 = ctypes.WinDLL("kernel32")
    kernel32.FreeConsole()
    if kernel32.AttachConsole(pid):
        kernel32.SetConsoleCtrlHandler(None, True)  # every process in the console gets it; this one ignores it
        kernel32.GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0)


def main() -> None:
    windows = our_windows()
    if not windows:
        print("None of the five windows is open.")
        return
    programs = our_programs(windows)
    print(f"Ending {len(windows)} windows ...", flush=True)  # while this process still has a screen
    for window in windows:
        press_ctrl_c(window.pid)
    _, alive = psutil.wait_procs(programs, timeout=PATIENCE_SECONDS)
    ctypes.WinDLL("kernel32").FreeConsole()  # or this process would end with the last window it visited
    for process in [*alive, *windows]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(windows, timeout=PATIENCE_SECONDS)


if __name__ == "__main__":
    main()
