"""What producer.py and consumer.py need around their lesson. To learn Kafka, skip this folder.

| module       | what it does                                                            |
| ------------ | ----------------------------------------------------------------------- |
| `kafka`      | settings that all clients share; the diagnosis when no broker answers   |
| `advertised` | whether the addresses that a cluster advertises can be reached          |
| `lasting`    | new clients in place of those that do not find the broker again         |
| `topic`      | what the broker says about a topic, and its records up to its end       |
| `offsets`    | committed offsets: of which topic they are, whether its log has them    |
| `group`      | why a consumer is not in its group                                      |
| `orders`     | the numbers of the likes, and whether somebody else gives them out, too  |
| `like`       | what counts as a like                                                   |
| `keys`       | to which partition a key goes                                           |
| `web`        | a Flask app with errors in JSON for this computer only, and its servers |
| `connection` | a connection of its server: only whole requests reach the app           |
| `callers`    | who may call that app                                                   |
| `loopback`   | HTTP calls to the programs on this computer                             |
| `process`    | log lines; Ctrl+C, SIGTERM and a closed window as one request to stop   |
| `output`     | standard output that never blocks a program for ever                    |
| `plain`      | text of others, without commands to the terminal                        |
| `child`      | programs that run.py, the tests and the bench start                     |
"""

import errno


class Problem(Exception):
    """Something a user can fix: `str(problem)` says what happened, `problem.hint` what to type next."""

    def __init__(self, what: str, hint: str = "python run.py doctor"):
        super().__init__(what)
        self.hint = hint

    def line(self) -> str:
        """`No broker answers on localhost:9092. Start it: python run.py, or start_kafka.bat.`"""
        return " ".join(self.sentences())

    def sentences(self) -> tuple[str, str]:
        """What happened, and what to type."""
        what, hint = (f"{text[:1].upper()}{text[1:].rstrip('.')}." for text in (str(self), self.hint))
        return what, hint


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
