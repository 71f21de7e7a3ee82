"""Inside the namespaces: `python -m tests.docker.stand_in <arguments of pytest>`."""

import sys
import time

from tests import isolated
from tests.docker.stand_in import call, images
from tests.docker.stand_in.engine import engine

began = time.monotonic()
isolated.set_up_loopback()
with engine() as environment:
    images.build(environment)
    print(f"--stand-in: engine and images after {time.monotonic() - began:.0f} s", flush=True)
    code = call([sys.executable, "-m", "pytest", *sys.argv[1:]], env=environment)
sys.exit(code)
