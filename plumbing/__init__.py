"""What producer.py and consumer.py need around their lesson. To learn Kafka, skip this folder.

The first line of each module says what it is for.
"""

import errno

import settings

COMMANDS = ("python ", "docker ", "ulimit ")  # a hint that begins with one begins with a small letter


class Problem(Exception):
    """Something a user can fix: `str(problem)` says what happened, `problem.hint` what to type next."""

    def __init__(self, what: str, hint: str = settings.DIAGNOSE):
        super().__init__(what)
        self.hint = hint

    def line(self) -> str:
        """`No broker answers on localhost:9092. Start it: python run.py, or start_kafka.bat`"""
        return " ".join(self.sentences())

    def sentences(self) -> tuple[str, str]:
        """What happened, and what to type."""
        what, hint = (f"{text[:1].upper()}{text[1:].rstrip('.')}." for text in (str(self), self.hint))
        if "python run.py" in hint.lower() or "docker compose" in hint:  # it stands as it is typed: nothing follows
            hint = hint.rstrip(".")
        return what, self.hint if self.hint.startswith(COMMANDS) else hint


def problem_of(error: OSError) -> Problem:
    """What a file or a program of the system refuses, and what to do about it."""
    what = f"{error.filename or 'the system'}: {error.strerror or error}"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Problem(what, "make it yours (chown, icacls), or use a copy of this folder that belongs to you")
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return Problem(what, "make room, then type the same command again")
    if error.errno == errno.EMFILE:
        return Problem(what, "ulimit -n 1024   (this shell allows too few open files), then the same command again")
    return Problem(what)
