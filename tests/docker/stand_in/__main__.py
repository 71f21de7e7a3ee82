"""Inside the namespaces: `python -m tests.docker.stand_in <arguments of pytest>`."""

import subprocess
import sys
import time

from tests.docker.stand_in import call, images, parts
from tests.docker.stand_in.engine import engine

began = time.monotonic()
busybox = parts.folder() / "images/usr/bin/busybox"
subprocess.run([busybox, "ip", "link", "set", "lo", "up"], check=True)
with engine() as environment:
    images.build(environment)
    print(f"--stand-in: engine and images after {time.monotonic() - began:.0f} s", flush=True)
    code = call([sys.executable, "-m", "pytest", *sys.argv[1:]], env=environment)
sys.exit(code)
