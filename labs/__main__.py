"""Run a program of the labs: `python -m labs lab_01_partitions.null_key` is what
`python run.py labs/lab_01_partitions/null_key.py` does.

An error from Kafka is printed as one line, without a traceback.
"""

import runpy
import signal
import sys

from confluent_kafka import KafkaException

from plumbing import Problem
from plumbing.plain import PlainOutput


def main(name: str) -> None:
    del sys.argv[1]
    if hasattr(signal, "SIGBREAK"):  # how run.py ends it on Windows, so that a suspended broker resumes
        signal.signal(signal.SIGBREAK, signal.default_int_handler)
    sys.stdout, sys.stderr = PlainOutput(sys.stdout), PlainOutput(sys.stderr)  # anyone can write to a topic
    try:
        runpy.run_module(f"labs.{name}", run_name="__main__", alter_sys=True)
    except KafkaException as error:
        sys.exit(f"Kafka says: {error.args[0].str()}\n  -> python run.py doctor")
    except Problem as problem:
        sys.exit(problem.line())
    except (KeyboardInterrupt, SystemError) as error:
        # In a callback of confluent_kafka, such as on_assign, a Ctrl+C may become a SystemError.
        if isinstance(error, SystemError) and not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1])
