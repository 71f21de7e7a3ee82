"""Run a program of the labs: `python -m labs lab_01_partitions.null_key` is what
`python run.py labs/lab_01_partitions/null_key.py` does.

An error from Kafka is printed as one line, without a traceback.
"""

import re
import runpy
import signal
import sys

from confluent_kafka import KafkaException

from plumbing import Problem
from plumbing.kafka import NO_ANSWER
from plumbing.plain import PlainOutput


def what_to_do(name: str, error: KafkaException) -> str:
    """For an error in this program, such as `lab_12_retention.retention`. If the broker answered, the doctor finds
    nothing: then it is in what was changed, or in what an earlier run left."""
    lab = re.match(r"lab_0*(\d+)_", name)
    if not lab or error.args[0].code() in NO_ANSWER:
        return "python run.py doctor"
    return f"undo your changes, if any, then: python run.py labs reset {lab[1]}, and the same command again"


def main(name: str) -> None:
    del sys.argv[1]
    if hasattr(signal, "SIGBREAK"):  # how run.py ends it on Windows, so that a suspended broker resumes
        signal.signal(signal.SIGBREAK, signal.default_int_handler)
    sys.stdout, sys.stderr = PlainOutput(sys.stdout), PlainOutput(sys.stderr)  # anyone can write to a topic
    try:
        runpy.run_module(f"labs.{name}", run_name="__main__", alter_sys=True)
    except KafkaException as error:
        sys.exit(f"Kafka says: {error.args[0].str()}\n  -> {what_to_do(name, error)}")
    except Problem as problem:
        sys.exit(problem.line())
    except (KeyboardInterrupt, SystemError) as error:
        # In a callback of confluent_kafka, such as on_assign, a Ctrl+C may become a SystemError.
        if isinstance(error, SystemError) and not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1])
