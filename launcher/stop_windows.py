"""Ends what start_apps.bat opened: Ctrl+C for each program, then its window. Windows only; stop_apps.bat runs it.

A consumer that gets Ctrl+C leaves its group, and the others take over its partitions at once. One that is
ended by force is only missed when its session times out, 6 s later.
"""

import contextlib
import ctypes
import re
from pathlib import Path, PureWindowsPath

import psutil

from settings import ROOT

PROGRAMS = ("producer.py", "consumer.py", "producer_ui.py")
# As start_apps.bat opens them. A window of another command, which may well name one of the files, is not ours to end.
COMMAND = re.compile(
    r"((set CONSUMER_PORT=\d+|echo The page: \S+) && )?(python|py -3) "
    r"(producer\.py|consumer\.py|-m streamlit run producer_ui\.py\b.*)"
)
PATIENCE_SECONDS = 10  # for a clean end; what is left then is ended by force
CTRL_C_EVENT = 0


def runs_ours(process: psutil.Process) -> bool:
    """Whether `process` is one of the programs: an argument of it names the file."""
    try:
        return any(PureWindowsPath(argument).name in PROGRAMS for argument in process.cmdline())
    except (psutil.Error, OSError):  # ended meanwhile, or another user's
        return False


def is_our_window(process: psutil.Process) -> bool:
    """Whether it is the cmd.exe of a window: opened in this folder, with the command of one of the programs."""
    try:
        _, opened, command = " ".join(process.cmdline()).partition(" /k ")
        # A link, a mapped drive and `subst` give the folder another path.
        return bool(opened and COMMAND.fullmatch(command.strip())) and Path(process.cwd()).samefile(ROOT)
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
    kernel32 = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]
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
    # Or this process would end with the last window it visited.
    ctypes.WinDLL("kernel32").FreeConsole()  # type: ignore[attr-defined]
    for process in [*alive, *windows]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(windows, timeout=PATIENCE_SECONDS)


if __name__ == "__main__":
    main()
