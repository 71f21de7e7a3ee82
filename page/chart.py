"""Lag and throughput over the last minutes."""

import copy
import gc
import itertools
from types import ModuleType
from typing import Any

import streamlit as st

from page.group import Snapshot

SECONDS = 120
LOWEST_TOP = 5.0  # events: on a smaller scale, a single like would look like a burst
SERIES = {"lag": "#c2255c", "written/s": "#868e96", "read/s": "#845ef7"}  # none of them a consumer's colour
WIDTHS = [2.5, 6, 2.5]  # read/s is drawn on top of written/s, and mostly equal to it

CHART: dict[str, Any] = {  # https://vega.github.io/vega-lite/docs/
    "height": 230,
    "mark": {"type": "line", "interpolate": "step-after", "clip": True},
    "encoding": {
        "x": {"field": "time", "type": "temporal", "title": None, "axis": {"format": "%H:%M:%S", "tickCount": 5}},
        "y": {
            "field": "events",
            "type": "quantitative",
            "title": None,
            "axis": {"format": "~s", "tickCount": 4, "labelExpr": "datum.value ? datum.label : '0'"},  # not 0k
        },
        "color": {
            "field": "what",
            "type": "nominal",
            "title": None,
            "scale": {"domain": [*SERIES], "range": [*SERIES.values()]},
            "legend": {"orient": "bottom", "labelFontSize": 14, "offset": 4},
        },
        "strokeWidth": {
            "field": "what",
            "type": "nominal",
            "scale": {"domain": [*SERIES], "range": WIDTHS},
            "legend": None,
        },
    },
}


@st.cache_resource(show_spinner=False)
def _pandas() -> ModuleType:
    """Imported for the first visitor: it takes more than a second, which would be added to every start."""
    import pandas

    gc.freeze()  # Streamlit collects garbage after every refresh; half of that time went into the modules
    return pandas


def show_chart(snapshot: Snapshot) -> None:
    frame = _pandas().DataFrame(rows_of(snapshot), columns=["time", "what", "events"])
    chart = copy.deepcopy(CHART)
    top = max(LOWEST_TOP, frame["events"].max() if len(frame) else 0)
    chart["encoding"]["y"]["scale"] = {"nice": True, "domain": [0, top]}
    st.vega_lite_chart(frame, chart)


def rows_of(snapshot: Snapshot) -> list[tuple[float, str, float]]:
    """(Unix time in ms, series, events) for each series, from consecutive samples."""
    samples = [sample for sample in snapshot.samples if sample.tick > snapshot.tick - SECONDS]
    rows = []
    for old, new in itertools.pairwise(samples):
        seconds = max(new.tick - old.tick, 0.1)
        values = (new.lag, max(new.end - old.end, 0) / seconds, max(new.committed - old.committed, 0) / seconds)
        at = (snapshot.at - snapshot.tick + new.tick) * 1000
        rows += [(at, what, value) for what, value in zip(SERIES, values, strict=True)]
    return rows
