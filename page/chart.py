"""Lag and throughput over the last two minutes: lines in an SVG that fills its box, with words around it.

Drawn here, and not by Streamlit's charts: they need pandas and pyarrow, half of all that would have to be installed,
and more than a second for the first visitor.
"""

import base64
import itertools
import math

from page.group import Snapshot
from page.lanes import clock

SECONDS = 120
EVERY_SECONDS = 30  # a time below the lines
STEPS = 4  # of the scale
LOWEST_TOP = 4.0  # events: on a smaller scale, a single like would look like a burst
SERIES = {"lag": "#c2255c", "written/s": "#868e96", "read/s": "#845ef7"}  # none of them a consumer's colour
WIDTHS = [2.5, 6, 2.5]  # read/s is drawn on top of written/s, and mostly equal to it


Point = tuple[float, tuple[float, ...]]  # 0 to 1 from SECONDS ago until now, the value of each series


def chart_html(snapshot: Snapshot) -> str:
    points = points_of(snapshot)
    step = step_of(max([LOWEST_TOP, *(value for _, values in points for value in values)]))
    scale = "".join(f'<span style="bottom: {100 * n / STEPS}%">{shown(n * step)}</span>' for n in range(STEPS + 1))
    first = math.ceil((snapshot.at - SECONDS) / EVERY_SECONDS) * EVERY_SECONDS
    times = "".join(
        f'<span style="left: {100 * (1 - (snapshot.at - at) / SECONDS):.2f}%">{clock(at)}</span>'
        for at in range(first, first + SECONDS, EVERY_SECONDS)
    )
    legend = "".join(f'<span><b style="background: {colour}"></b>{what}</span>' for what, colour in SERIES.items())
    latest = points[-1][1] if points else (0, 0, 0)
    words = ", ".join(f"{what} {shown(round(value, 1))}" for what, value in zip(SERIES, latest, strict=True))
    return (
        f'<div class="chart"><div class="scale">{scale}</div>'
        f'<img alt="now: {words}" src="{_lines(points, step * STEPS)}">'
        f'<div class="times">{times}</div></div><div class="legend">{legend}</div>'
    )


def _lines(points: list[Point], top: float) -> str:
    """The address of a picture of them. Streamlit strips SVG elements from a page, but not pictures."""
    lines = "".join(
        f'<path d="{_steps([(x, values[number] / top) for x, values in points])}" stroke="{colour}" '
        f'stroke-width="{width}" fill="none" vector-effect="non-scaling-stroke"/>'
        for number, (colour, width) in enumerate(zip(SERIES.values(), WIDTHS, strict=True))
    )
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1" preserveAspectRatio="none">{lines}</svg>'
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _steps(points: list[tuple[float, float]]) -> str:
    """A path in which each value stands until the next one. Here 0 is at the bottom, in an SVG at the top."""
    steps = "".join(f"H{x:.4f}V{1 - y:.4f}" for x, y in points)
    return f"M{points[0][0]:.4f} {1 - points[0][1]:.4f}{steps}H1" if points else ""


def points_of(snapshot: Snapshot) -> list[Point]:
    """One for each pair of consecutive samples."""
    samples = [sample for sample in snapshot.samples if sample.tick > snapshot.tick - SECONDS]
    points: list[Point] = []
    for old, new in itertools.pairwise(samples):
        seconds = max(new.tick - old.tick, 0.1)
        values = (new.lag, max(new.end - old.end, 0) / seconds, max(new.committed - old.committed, 0) / seconds)
        points.append((1 - (snapshot.tick - new.tick) / SECONDS, values))
    return points


def step_of(highest: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, 50 ... with which the scale reaches the highest value."""
    power = 10 ** math.floor(math.log10(highest / STEPS))
    return next(step * power for step in (1, 2, 5, 10) if step * power * STEPS >= highest)


def shown(value: float) -> str:
    """`2500` as `2.5k`."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:g}"
