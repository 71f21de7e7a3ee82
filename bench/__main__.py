"""`python -m bench`: see the docstring of the package."""

import argparse
import importlib
import os
import sys
import time
from pathlib import Path

from bench import report
from bench.cluster import running_kafka
from bench.harness import NotMeasured
from plumbing import Problem
from settings import ROOT

SUBJECTS = ("click", "burst", "drain", "latency", "rebalance", "start", "page", "growth", "size")
RESULTS = ROOT / "bench" / "results"


def main() -> int:
    """Measure, print, write; 0 if everything could be measured."""
    parser = argparse.ArgumentParser(prog="run.py bench", description="Measure how fast the programs are.")
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=", ".join(SUBJECTS))
    parser.add_argument("--quick", action="store_true", help="tiny sizes: to see that it runs, not how fast")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FOLDER", help="where the report goes")
    options = parser.parse_args()
    if unknown := set(options.subjects) - set(SUBJECTS):
        parser.error(f"there is no subject {', '.join(sorted(unknown))}; the subjects are {', '.join(SUBJECTS)}")
    wanted = [name for name in SUBJECTS if name in options.subjects] or list(SUBJECTS)
    started, failed, lines = time.monotonic(), [], []
    try:
        with running_kafka(options.quick) as kafka:
            about = report.machine() | {"kafka": kafka.broker, "load before": _load()}
            for name in wanted:
                subject = importlib.import_module(f"bench.subjects.{name}")
                print(f"\n{name}: {subject.TITLE}, {_elapsed(started)}", flush=True)
                try:
                    for line in subject.measure(kafka):
                        lines.append(line)
                        print("  " + "  ".join(filter(None, report.cells(line))), flush=True)
                except (NotMeasured, Problem) as reason:
                    failed.append(name)
                    print(f"  not measured: {reason}", flush=True)
    except Problem as error:
        print(f"{error}\n  -> {error.hint}", file=sys.stderr)
        return 1
    minutes = (time.monotonic() - started) / 60
    about |= {"date": time.strftime("%Y-%m-%d"), "took": f"{minutes:.0f} minutes"}
    name = "quick" if options.quick else "-".join(wanted) if options.subjects else "all"
    for file in report.write(lines, about, options.out, name) if lines else []:
        print(file)
    if name == "all" and options.out == RESULTS and not failed:
        report.into_document(ROOT / "docs" / "performance.md", lines, about)
    return 1 if failed else 0


def _elapsed(started: float) -> str:
    minutes, seconds = divmod(int(time.monotonic() - started), 60)
    return f"from {minutes}:{seconds:02d} on"


def _load() -> str:
    """How busy the machine was before: 0 is best."""
    return f"{os.getloadavg()[0]:.1f} processes" if hasattr(os, "getloadavg") else "not known"


if __name__ == "__main__":
    sys.exit(main())
