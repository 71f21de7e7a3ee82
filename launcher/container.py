"""What the container `computer` does, in the profile `apps` of docker-compose.yml.

It creates the topic `likes`, and then holds the network that the programs' containers share until it is stopped.
"""

import tempfile
import time
from pathlib import Path

from brokers.topic import create_likes
from plumbing import Problem
from plumbing.process import StopSignal
from settings import BOOTSTRAP_SERVERS

READY = Path(tempfile.gettempdir(), "topic-exists")  # for the health check


def main() -> None:
    with StopSignal() as stop:
        READY.unlink(missing_ok=True)  # of before a restart
        last = ""
        while not stop.requested and not READY.exists():
            try:
                print(f"topic: {create_likes(BOOTSTRAP_SERVERS)}", flush=True)
                READY.touch()
            except Problem as problem:  # it waits for the broker, as the programs do: they live in its network
                if (line := problem.line()) != last:
                    print(last := line, flush=True)
                time.sleep(1.0)
        while not stop.requested:
            time.sleep(0.2)


if __name__ == "__main__":
    main()
