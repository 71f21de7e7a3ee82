"""The table, the plot, and the machine on which it was measured."""

import dataclasses
import importlib.metadata
import json
import math
import os
import platform
from pathlib import Path

import psutil

from bench.harness import Line, Spread

BEGIN, END = "<!-- what `python run.py bench` writes here: begin -->", "<!-- end -->"
COLUMNS = ("what", "ours", "against", "theirs", "ours / theirs", "target", "")


def machine() -> dict[str, str]:
    """What was measured on."""
    packages = ("confluent-kafka", "flask", "gevent", "waitress", "streamlit", "fastapi", "uvicorn", "aiokafka")
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": ", ".join(f"{name} {version}" for name in packages if (version := _version(name))),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        if names:
            return names[0]
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def markdown(lines: list[Line], about: dict[str, str]) -> str:
    """The whole report."""
    facts = "".join(f"* {name}: {what}\n" for name, what in about.items())
    tables = []
    for subject in dict.fromkeys(line.subject for line in lines):
        rows = [cells(line) for line in lines if line.subject == subject]
        tables.append(f"## {subject}\n\n{table(rows)}")
    return (
        "# How fast\n\nMade by `python run.py bench`. Figures are medians (smallest to largest). A ratio is taken "
        "within each round, where the contenders take turns, and is what carries over to another machine.\n\n"
        f"{facts}\n" + "\n".join(tables)
    )


def summary(lines: list[Line]) -> str:
    """The targets and what was measured: the table of docs/performance.md."""
    rows = []
    for line in lines:
        if line.target:
            ours, theirs = (figure and number(figure.median) for figure in (line.ours, line.theirs))
            unit = line.unit if line.unit == "/s" else f" {line.unit}"
            against = f"{line.against}: {theirs}{unit}" if theirs else ""
            ratio = number(line.ratio.median) if line.ratio else ""
            target = f"{line.target}{'' if line.met else ': **not met**'}"
            rows.append((f"{line.subject}, {line.what}", f"{ours}{unit}", against, ratio, target))
    return table(rows, ("what", "ours", "against", "ours / theirs", "target"))


def into_document(document: Path, lines: list[Line], about: dict[str, str]) -> None:
    """Put the summary between the document's two marks."""
    text = document.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    document.write_text(f"{before}{section(lines, about)}{after}", encoding="utf-8", newline="\n")


def section(lines: list[Line], about: dict[str, str]) -> str:
    """The document from mark to mark."""
    where = f"Measured on {about['date']}: {about['processor']}, {about['memory']}, Python {about['python']}."
    return f"{BEGIN}\n{where}\n\n{summary(lines)}{END}"


def read(data: Path) -> tuple[list[Line], dict[str, str]]:
    """The lines of a report and its machine, from the .json that `write` wrote."""
    kept = json.loads(data.read_text(encoding="utf-8"))

    def spread(values: dict | None) -> Spread | None:
        return Spread(**values) if values else None

    lines = [
        Line(**(line | {name: spread(line[name]) for name in ("ours", "theirs", "ratio")})) for line in kept["lines"]
    ]
    return lines, kept["machine"]


def table(rows: list[tuple[str, ...]], columns: tuple[str, ...] = COLUMNS) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in [columns, ("---",) * len(columns), *rows])


def cells(line: Line) -> tuple[str, ...]:
    """The line as texts, for `COLUMNS`."""
    verdict = {None: "", True: "met", False: "**not met**"}[line.met]
    return (
        line.what,
        with_spread(line.ours, line.unit),
        line.against,
        with_spread(line.theirs, line.unit) if line.theirs else "",
        with_spread(line.ratio, "") if line.ratio else "",
        f"{line.target}: {verdict}" if line.target else "",
        line.note,
    )


def with_spread(spread: Spread, unit: str) -> str:
    """`1,234 /s (1,200 to 1,300)`; without the spread if it was measured once."""
    if math.isnan(spread.median):
        return "-"
    median, low, high = (number(value) for value in (spread.median, spread.low, spread.high))
    text = f"{median} {unit}".strip() if unit != "/s" else f"{median}/s"
    return text if spread.low == spread.high else f"{text} ({low} to {high})"


def number(value: float) -> str:
    """Three significant digits."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def write(lines: list[Line], about: dict[str, str], folder: Path, name: str) -> list[Path]:
    """Write `name`.md, .json and, where matplotlib is installed, .png; returns what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    report, data, plot = (folder / f"{name}.{ending}" for ending in ("md", "json", "png"))
    text = markdown(lines, about)
    written = [report, data]
    if draw(lines, plot):
        text = text.replace("\n## ", f"\n![Ratios: ours to theirs]({plot.name})\n\n## ", 1)
        written.append(plot)
    report.write_text(text, encoding="utf-8")
    kept = {"machine": about, "lines": [dataclasses.asdict(line) for line in lines]}
    data.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return written


def draw(lines: list[Line], file: Path) -> bool:
    """The ratios as bars with their spread; False where matplotlib is not installed."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import ScalarFormatter

    shown = [line for line in lines if line.ratio][::-1]
    if not shown:
        return False
    figure, axes = pyplot.subplots(figsize=(9, 1 + 0.36 * len(shown)), layout="constrained")
    for place, line in enumerate(shown):
        ratio = line.ratio
        colour = {None: "#888888", True: "#0072b2", False: "#d55e00"}[line.met]
        axes.barh(place, ratio.median - 1, left=1, color=colour, height=0.6)
        axes.plot([ratio.low, ratio.high], [place, place], color="black", linewidth=1)
        axes.annotate(f" {ratio.median:.2f}", (max(ratio.high, 1), place), va="center", fontsize=8)
    names = [f"{line.subject}, {line.what}: {line.against}" for line in shown]
    axes.set_yticks(range(len(shown)), names, fontsize=8)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("ours / theirs: right of 1 is faster (blue: target met; orange: not met; grey: no target)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=110)
    pyplot.close(figure)
    return True
