"""A Python in namespaces of its own: a loopback network, processes, mounts. With it, each of pytest-xdist's workers can
use the usual ports (9092, 5001, ...) at the same time. On Linux, where the system lets this user make them.

`command()` is what runs this file in new namespaces, where it runs Python with the arguments that follow.

The second address of the loopback interface is for Wine, whose resolver ignores interfaces that have only 127.0.0.1.
"""

import os
import platform
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys

SIOCSIFADDR, SIOCSIFFLAGS = 0x8916, 0x8914  # netdevice(7)
UP_AND_RUNNING = 0x1 | 0x40
NAMESPACES = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]


def command() -> str:
    """The words before the arguments of `python`, quoted for a shell; empty if namespaces are not available."""
    unshare = shutil.which("unshare")
    if platform.system() != "Linux" or not unshare:
        return ""
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    words = [unshare, *as_root, *NAMESPACES, sys.executable, __file__]
    tried = subprocess.run([*words, "-c", ""], capture_output=True)
    return "" if tried.returncode else shlex.join(words)


def set_up_loopback() -> None:
    import fcntl  # not on Windows

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", UP_AND_RUNNING))
        address = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton("10.0.0.1"))
        fcntl.ioctl(control, SIOCSIFADDR, struct.pack("16s16s", b"lo:1", address))


def main() -> None:
    """Process 1 of the namespace: it takes the exit codes of all whose parent has ended."""
    set_up_loopback()
    child = os.fork()
    if not child:
        os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        ended, status = os.wait()
        if ended == child:
            sys.exit(os.waitstatus_to_exitcode(status) % 256)


if __name__ == "__main__":
    main()
