"""What producer.py and consumer.py need around their lesson. To learn Kafka, skip this folder.

| module       | what it does                                                            |
| ------------ | ----------------------------------------------------------------------- |
| `kafka`      | settings that all clients share; the diagnosis when no broker answers   |
| `topic`      | what the broker says about a topic, and its records up to its end       |
| ------------ | ----------------------------------------------------------------------- |
| `web`        | a Flask app with errors in JSON for this computer only, and its servers |
| `callers`    | who may call that app                                                   |
| `connection` | a connection of its server: only whole requests reach the app           |
| `loopback`   | HTTP calls to the programs on this computer                             |
| `plain`      | text of others, without commands to the terminal                        |
| `advertised` | whether the addresses that a cluster advertises can be reached          |
| `offsets`    | committed offsets: of which topic they are, whether its log has them    |
| `group`      | why a consumer is not in its group                                      |
| `like`       | what counts as a like                                                   |
| `keys`       | to which partition a key goes                                           |
| `process`    | log lines; Ctrl+C, SIGTERM and a closed window as one request to stop   |
| `child`      | programs that run.py, the tests and the bench start                     |
"""


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
