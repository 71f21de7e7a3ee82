"""How long `python run.py` takes until the first like is confirmed, in a copy of this folder."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from bench.cluster import Bench, local_broker
from bench.harness import Line, NotMeasured, Spread
from bench.programs import Program
from brokers.local import PORTS
from brokers.ports import port_holder
from settings import ROOT

TITLE = "start"
MOST_OVER_BROKER_SECONDS = 5.0


def measure(bench: Bench) -> Iterator[Line]:
    rounds = bench.sized(3, 1)
    if not bench.quick:
        with local_broker(bench.folder / "alone"):
            pass  # formats its folder and warms the caches
    alone = []
    for _ in range(rounds):
        started = perf_counter()
        with local_broker(bench.folder / "alone"):
            alone.append(perf_counter() - started)
    yield Line("start", "the local broker alone", Spread.of(alone), "s")
    if bench.quick:
        return
    if holders := [port for port in PORTS.values() if port_holder(port)]:
        raise NotMeasured(f"run.py: port {holders[0]} is taken, its local broker could not start")
    copy = bench.folder / "copy"
    for name in _files_of_the_repository():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    try:
        yield Line("start", "fresh clone, package caches warm", Spread.of([_first_like(copy)]), "s")
    except NotMeasured as reason:
        yield Line("start", "fresh clone", Spread.of([float("nan")]), "s", note=f"not measured: {reason}")
        shutil.rmtree(copy / ".venv", ignore_errors=True)
        try:
            (copy / ".venv").symlink_to(ROOT / ".venv", target_is_directory=True)
        except OSError as error:  # Windows allows it to few
            raise NotMeasured(f"second start: {error}") from error
        _first_like(copy)  # makes the data folder
    seconds = [_first_like(copy) for _ in range(rounds)]
    over = [ours - broker for ours, broker in zip(seconds, alone, strict=True)]
    more = Spread.of(over)
    yield Line(
        "start",
        "second start, to the first confirmed like",
        Spread.of(seconds),
        "s",
        "the local broker alone",
        Spread.of(alone),
        target=f"at most {MOST_OVER_BROKER_SECONDS:.0f} s more",
        met=more.median <= MOST_OVER_BROKER_SECONDS,
        note=f"{more.median:+.1f} s ({more.low:+.1f} to {more.high:+.1f})",
    )


def _files_of_the_repository() -> list[str]:
    """What a clone would have, with what has not been committed yet."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotMeasured("run.py: this folder is no git repository that could be copied") from error
    return [name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def _first_like(copy: Path) -> float:
    """Seconds from `python run.py --broker local` to the first confirmed like, typed as soon as it is read."""
    started = perf_counter()
    with Program("run.py", "--broker", "local", cwd=copy) as run:
        run.type("like")
        confirmed, _ = run.wait_for(r"Delivered: order=", seconds=400)
        run.type("quit")
        run.process.wait(60)
    return confirmed - started
