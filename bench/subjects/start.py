"""How long `python run.py` takes until the first like is confirmed, in a copy of this folder; what it then occupies."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter

import psutil

from bench.cluster import Bench, local_broker
from bench.harness import Line, NotMeasured, Spread
from bench.programs import Program
from brokers.local import PORTS
from brokers.ports import port_holder
from settings import ROOT

TITLE = "start"
FRESH_SECONDS, SECOND_SECONDS = 8.0, 3.0  # aimed at
MEMORY_MB, DISK_MB = 1024, 2048  # as labs/TEACHER.md plans


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
    took, _memory = _first_like(copy)
    yield _aimed("fresh clone, package caches warm", [took], "s", FRESH_SECONDS)
    yield _aimed("what the fresh clone occupies on the disk", [_size(copy)], "MB", DISK_MB)
    seconds, memory = zip(*(_first_like(copy) for _ in range(rounds)), strict=True)
    yield _aimed(
        "second start, to the first confirmed like", seconds, "s", SECOND_SECONDS, "the local broker alone", alone
    )
    yield _aimed("memory of run.py and all that it has started", memory, "MB", MEMORY_MB)


def _aimed(what: str, values: Sequence, unit: str, most: float, against: str = "", theirs: Sequence = ()) -> Line:
    """A line whose median should be at most `most`."""
    ours, compared = Spread.of(values), Spread.of(theirs) if theirs else None
    target = f"at most {most:,.0f} {unit}"
    return Line("start", what, ours, unit, against, compared, target=target, met=ours.median <= most)


def _files_of_the_repository() -> list[str]:
    """What a clone would have, with what has not been committed yet."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotMeasured("run.py: this folder is no git repository that could be copied") from error
    return [name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def _first_like(copy: Path) -> tuple[float, float]:
    """Seconds from `python run.py --broker local` to the first confirmed like, typed as soon as it is read; and the
    megabytes that its processes then have for themselves (USS)."""
    started = perf_counter()
    with Program("run.py", "--broker", "local", cwd=copy) as run:
        run.type("like")
        confirmed, _ = run.wait_for(r"Delivered: order=", seconds=400)
        me = psutil.Process(run.process.pid)
        memory = sum(one.memory_full_info().uss for one in [me, *me.children(recursive=True)]) / 2**20
        run.type("quit")
        run.process.wait(60)
    return confirmed - started, memory


def _size(folder: Path) -> float:
    """Megabytes."""
    files = (Path(root, name) for root, _folders, names in os.walk(folder) for name in names)
    return sum(file.lstat().st_size for file in files) / 2**20
