"""Ends what start_apps.bat opened: Ctrl+C for each program, then its window. Windows only, called by stop_apps.bat.

A consumer that gets Ctrl+C leaves its group, and the others take over its partitions at once. One that is ended by force
is missed only when its session times out, 6 s later.
"""

import csv
import ctypes
import subprocess
import sys
import time

TITLES = ("Producer", "Consumer 1", "Consumer 2", "Consumer 3", "Streamlit")
PATIENCE_S = 10  # for a clean end, before the rest is ended by force
CTRL_C_EVENT = 0
PROCESS_TERMINATE = 1


def cmd_processes():
    """The ids of all running cmd.exe; each of the five windows has one (start ... cmd /k)."""
    listing = subprocess.run(["tasklist", "/fo", "csv", "/nh"], capture_output=True, stdin=subprocess.DEVNULL)
    rows = csv.reader(listing.stdout.decode(errors="replace").splitlines())
    return [int(row[1]) for row in rows if row and row[0].lower() == "cmd.exe"]


def attach(kernel32, pid):
    """The title of the console of process `pid`, after making it this process's own console; "" when it has none.

    A console is a property of the window's processes, whatever program draws it: this works for the classic window and
    for Windows Terminal, where taskkill's WINDOWTITLE filter finds nothing.
    """
    kernel32.FreeConsole()
    title = ctypes.create_unicode_buffer(256)
    if not kernel32.AttachConsole(pid) or not kernel32.GetConsoleTitleW(title, len(title)):
        return ""
    return title.value.split(" - ")[0]  # cmd.exe appends " - " and the running command


def console_processes(kernel32):
    """The ids of the processes in the attached console, this one left out."""
    ids = (ctypes.c_uint32 * 64)()
    count = min(kernel32.GetConsoleProcessList(ids, len(ids)), len(ids))
    own = kernel32.GetCurrentProcessId()
    return [pid for pid in ids[:count] if pid != own]


def end_windows():
    """Ends the five windows, as far as they are open; gives their titles."""
    kernel32 = ctypes.WinDLL("kernel32")
    ours = {pid: title for pid in cmd_processes() if (title := attach(kernel32, pid)) in TITLES}
    for pid in ours:  # all at once, then wait: five clean ends take as long as one
        attach(kernel32, pid)
        kernel32.SetConsoleCtrlHandler(None, True)  # everyone in this console gets the Ctrl+C, but this process ignores it
        kernel32.GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0)
    deadline = time.monotonic() + PATIENCE_S
    for pid in ours:
        attach(kernel32, pid)
        while console_processes(kernel32) not in ([pid], []) and time.monotonic() < deadline:
            time.sleep(0.1)
        for left in console_processes(kernel32):  # with its last process the window goes
            process = kernel32.OpenProcess(PROCESS_TERMINATE, False, left)
            kernel32.TerminateProcess(process, 0)
            kernel32.CloseHandle(process)
    kernel32.FreeConsole()
    return sorted(ours.values())


def main():
    """Says which windows were ended. The work is done by a copy without a console, because it has to visit five others."""
    if sys.argv[1:] == ["--detached"]:
        print(", ".join(end_windows()))
        return
    again = [sys.executable, __file__, "--detached"]
    ended = subprocess.run(
        again, creationflags=subprocess.DETACHED_PROCESS, capture_output=True, text=True, check=True
    )
    print(f"Ended: {ended.stdout.strip()}." if ended.stdout.strip() else "None of the five windows is open.")


if __name__ == "__main__":
    main()
