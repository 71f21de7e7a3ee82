"""The table and the plot of docs/performance.md."""

import os
import platform
import time
from pathlib import Path

import psutil

from bench.harness import Line, Spread

BEGIN, END = "<!-- what `python run.py bench` writes here: begin -->", "<!-- end -->"
COLUMNS = ("what", "ours", "against", "ours / theirs", "target")


def machine() -> str:
    """What was measured on, and when."""
    memory = f"{psutil.virtual_memory().total / 2**30:.0f} GiB"
    return (
        f"Measured on {time.strftime('%Y-%m-%d')}: {_processor()}, {os.cpu_count()} cores, {memory}, "
        f"Python {platform.python_version()}"
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        if names:
            return names[0]
    return platform.processor() or platform.machine()


def into_document(document: Path, lines: list[Line], about: str) -> None:
    """Put the table between the document's two marks, and the plot beside it."""
    before, _, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    text = f"{before}{BEGIN}\n{about}.\n\n{table(lines)}{END}{after}"
    document.write_text(text, encoding="utf-8", newline="\n")
    draw(lines, document.with_suffix(".png"))


def table(lines: list[Line]) -> str:
    rows = [COLUMNS, ("---",) * len(COLUMNS), *map(cells, lines)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def cells(line: Line) -> tuple[str, ...]:
    """The line as texts, for `COLUMNS`."""
    return (
        f"{line.subject}, {line.what}",
        with_spread(line.ours, line.unit),
        f"{line.against}: {with_spread(line.theirs, line.unit)}" if line.theirs else line.against,
        with_spread(line.ratio, "") if line.ratio else "",
        f"{line.target}{': **not met**' if line.met is False else ''}",
    )


def with_spread(spread: Spread, unit: str) -> str:
    """`1,234/s (1,200 to 1,300)`; without the spread if it was measured once."""
    median, low, high = (number(value) for value in (spread.median, spread.low, spread.high))
    text = f"{median} {unit}".strip() if unit != "/s" else f"{median}/s"
    return text if spread.low == spread.high else f"{text} ({low} to {high})"


def number(value: float) -> str:
    """Three significant digits."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def draw(lines: list[Line], file: Path) -> None:
    """The ratios as bars with their spread."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import ScalarFormatter

    shown = [line for line in lines if line.ratio][::-1]
    figure, axes = pyplot.subplots(figsize=(9, 1 + 0.36 * len(shown)), layout="constrained")
    for row, line in enumerate(shown):
        ratio = line.ratio
        colour = {None: "#888888", True: "#0072b2", False: "#d55e00"}[line.met]
        axes.barh(row, ratio.median - 1, left=1, color=colour, height=0.6)
        axes.plot([ratio.low, ratio.high], [row, row], color="black", linewidth=1)
        axes.annotate(f" {ratio.median:.2f}", (max(ratio.high, 1), row), va="center", fontsize=8)
    names = [f"{line.subject}, {line.what}: {line.against}" for line in shown]
    axes.set_yticks(range(len(shown)), names, fontsize=8)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("ours / theirs: right of 1 is faster (blue: target met; orange: not met; grey: no target)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=110)
    pyplot.close(figure)
