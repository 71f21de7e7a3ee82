"""A lock of the operating system on a file. It ends with the last process that holds it, however that ends, and counts
for every container and user on this computer, which know nothing of each other's processes. Standard library only."""

import errno
import os
import time
from pathlib import Path
from typing import BinaryIO

if os.name == "nt":
    import msvcrt
else:
    import fcntl

BEHIND_THE_END = 2**30  # Windows lets nobody else read what is locked
NO_LOCKS = {errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP}  # of a file system that has none


def wait_for(path: Path) -> BinaryIO:
    """As `lock`, once nobody else has locked it."""
    while not (file := lock(path)):
        time.sleep(0.2)
    return file


def lock(path: Path) -> BinaryIO | None:
    """The file, which is created if necessary and locked until it is closed; None if somebody else has locked it.

    On Linux and macOS, a program that inherits the file holds the lock, too, until it ends.
    """
    while True:
        file = path.open("a+b")
        try:
            if os.name == "nt":
                file.seek(BEHIND_THE_END)
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
            else:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:  # of whatever kind: a lock that is taken has no errno of its own in Wine
            if error.errno in NO_LOCKS:
                return file
            file.close()
            return None
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
        file.close()  # `clean` has removed it meanwhile
