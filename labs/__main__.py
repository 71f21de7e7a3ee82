"""Run a program of the labs: `python -m labs click --count 3` is what `python run.py labs/click.py --count 3` does.

What Kafka refuses is printed in one line, without a traceback.
"""

import runpy
import sys

from confluent_kafka import KafkaException


def main(name: str) -> None:
    del sys.argv[1]
    try:
        runpy.run_module(f"labs.{name}", run_name="__main__", alter_sys=True)
    except KafkaException as error:
        sys.exit(f"Kafka says: {error.args[0].str()}\n  -> python run.py doctor")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1])
