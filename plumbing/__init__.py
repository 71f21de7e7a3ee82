"""What producer.py and consumer.py need around their lesson. To learn Kafka, skip this folder.

| module     | what it does                                                            |
| ---------- | ----------------------------------------------------------------------- |
| `kafka`    | settings that all clients share; the diagnosis when no broker answers   |
| `topic`    | what the broker says about a topic, and its records up to its end       |
| `web`      | a Flask app with errors in JSON for this computer only, and its servers |
| `loopback` | HTTP calls to the programs on this computer                             |
| `process`  | log lines; Ctrl+C, SIGTERM and a closed window as one request to stop   |
| `output`   | standard output that never blocks a program for ever                    |
| `child`    | programs that run.py, the tests and the bench start                     |
"""

import errno


class Problem(Exception):
    """Something a user can fix: `str(problem)` says what happened, `problem.hint` what to type next."""

    def __init__(self, what: str, hint: str = "python run.py doctor"):
        super().__init__(what)
        self.hint = hint

    def line(self) -> str:
        """`No broker answers on localhost:9092. Start it: python run.py, or start_kafka.bat.`"""
        return " ".join(f"{text[:1].upper()}{text[1:]}." for text in (str(self), self.hint))


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
