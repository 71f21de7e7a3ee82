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


class Problem(Exception):
    """Something a user can fix: `str(problem)` says what happened, `problem.hint` what to type next."""

    def __init__(self, what: str, hint: str = "python run.py doctor"):
        super().__init__(what)
        self.hint = hint

    def line(self) -> str:
        """`No broker answers on localhost:9092. Start it: python run.py, or start_kafka.bat.`"""
        return " ".join(f"{text[:1].upper()}{text[1:]}." for text in (str(self), self.hint))
