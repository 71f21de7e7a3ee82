"""`python -m bench`: see the docstring of the package."""

import argparse
import importlib
import sys
import time

from bench import report
from bench.cluster import running_kafka
from bench.harness import NotMeasured
from plumbing import Problem
from settings import ROOT

SUBJECTS = ("click", "drain", "latency", "rebalance", "start", "page")


def main() -> int:
    """Measure and print; all subjects together also write docs/performance.md. 0 if everything could be measured."""
    parser = argparse.ArgumentParser(prog="run.py bench", description="Measure how fast the programs are.")
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=", ".join(SUBJECTS))
    parser.add_argument("--quick", action="store_true", help="tiny sizes: to see that it runs, not how fast")
    options = parser.parse_args()
    if unknown := set(options.subjects) - set(SUBJECTS):
        parser.error(f"there is no subject {', '.join(sorted(unknown))}; the subjects are {', '.join(SUBJECTS)}")
    wanted = [name for name in SUBJECTS if name in options.subjects] or list(SUBJECTS)
    started, failed, lines = time.monotonic(), [], []
    try:
        with running_kafka(options.quick) as kafka:
            about = f"{report.machine()}, {kafka.broker}"
            print(about, flush=True)
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
    if wanted == list(SUBJECTS) and not options.quick and not failed:
        report.into_document(ROOT / "docs" / "performance.md", lines, about)
    return 1 if failed else 0


def _elapsed(started: float) -> str:
    minutes, seconds = divmod(int(time.monotonic() - started), 60)
    return f"from {minutes}:{seconds:02d} on"


if __name__ == "__main__":
    sys.exit(main())
