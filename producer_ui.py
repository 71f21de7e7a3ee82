"""Page: a Like button for the producer, and the consumer group as it is right now.

    streamlit run producer_ui.py        on http://localhost:8501

A click calls POST /like of producer.py. What the board shows comes from the broker: group_view.py.
"""

import copy
import gc
import itertools
import threading
import time
from pathlib import Path

import pandas as pd
import requests
import streamlit as st

from group_html import (
    CONSUMER_PORT,
    MOST_CONSUMERS,
    clock,
    lane_html,
    member_html,
    number_of,
    path_html,
    rebalance_html,
)
from group_view import GroupWatcher, Member, Snapshot
from plumbing.kafka import client_config
from plumbing.topic import partition_of_key
from settings import BOOTSTRAP_SERVERS, CONTROL_TOKEN, CONTROL_URL, GROUP, PRODUCER_PORT

CONSUMERS = 3
LARGEST_BURST = 100_000
BURST_SLICE = 5_000  # likes in one request: after each the progress moves
REFRESH_SECONDS = 1.0
LIKE_SECONDS = 15  # the producer answers earlier, also when the broker does not
LANES_SHOWN = 12
REBALANCES_SHOWN = 6
CHART_SECONDS = 120
LANES_EXPLAINED = """<div class="quiet">Each event is appended to one partition of the topic <b>likes</b>; the newest is
filled. Each partition has one owner in the group, which reads it in order.</div>"""
STYLE = Path(__file__).with_name("producer_ui.css")

CHART = {
    "height": 230,
    "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2.5, "clip": True},
    "encoding": {
        "x": {"field": "time", "type": "temporal", "title": None, "axis": {"format": "%H:%M:%S", "tickCount": 5}},
        "y": {"field": "events", "type": "quantitative", "title": None, "axis": {"format": "~s", "tickCount": 4}},
        "color": {
            "field": "what",
            "type": "nominal",
            "title": None,
            "scale": {"domain": ["lag", "written/s", "read/s"], "range": ["#d55e00", "#888888", "#0072b2"]},
            "legend": {"orient": "bottom", "labelFontSize": 14, "offset": 4},
        },
    },
}


class Burst(threading.Thread):
    """Many likes, slice by slice, while the board goes on; `answer` is there at the end."""

    def __init__(self, count: int):
        super().__init__(daemon=True)
        self.count = count
        self.confirmed = 0
        self.answer: dict = {}

    def run(self) -> None:
        started = time.perf_counter()
        first, spread = None, {}
        while self.confirmed < self.count:
            answer = call_producer("/likes", {"count": min(BURST_SLICE, self.count - self.confirmed)}, 60)
            if "error" in answer:
                before = f" ({self.confirmed:,} of {self.count:,} were confirmed before)" if self.confirmed else ""
                self.answer = {**answer, "error": answer["error"] + before}
                return
            first = first or answer["first_order"]
            spread = {p: n + spread.get(p, 0) for p, n in answer["partitions"].items()}
            self.confirmed += answer["count"]
        seconds = time.perf_counter() - started
        self.answer = {**answer, "first_order": first, "partitions": spread, "seconds": seconds}


def call_producer(path: str, body: dict, seconds: float) -> dict:
    """The producer's answer with `took_ms`, or {"error": ..., "hint": ...}."""
    started = time.perf_counter()
    try:
        answer = requests.post(f"http://127.0.0.1:{PRODUCER_PORT}{path}", json=body, timeout=seconds).json()
    except requests.Timeout:
        return {"error": f"the producer did not answer in {seconds} s", "hint": "look at its terminal"}
    except (requests.RequestException, ValueError):
        hint = "start it: `python producer.py`, or `start producer` in the terminal of run.py"
        return {"error": f"the producer is not running on port {PRODUCER_PORT}", "hint": hint}
    return answer | {"took_ms": (time.perf_counter() - started) * 1000}


def control(command: str) -> None:
    """Let run.py do what was typed there otherwise: stop 1, kill 1, start 1."""
    try:
        header = {"Authorization": f"Bearer {CONTROL_TOKEN}"}
        requests.post(CONTROL_URL, json={"command": command}, headers=header, timeout=3).raise_for_status()
    except requests.RequestException:
        st.toast(f"run.py did not answer; type it in its terminal: {command}", icon=":material/error:")


@st.cache_resource
def watcher_of(group: str) -> GroupWatcher:
    """One watcher for all visitors: its history survives a reload of the page."""
    expected = range(CONSUMER_PORT, CONSUMER_PORT + CONSUMERS) if group == GROUP else range(0)
    watcher = GroupWatcher(client_config(BOOTSTRAP_SERVERS), group, expected)
    watcher.start()
    gc.freeze()  # Streamlit collects garbage after every refresh; half of its work was to look at these modules
    return watcher


@st.cache_data(ttl=5, show_spinner=False)
def groups_of_the_cluster(watched: str) -> list[str]:
    return sorted({GROUP, watched, *watcher_of(watched).groups()})


def show_chart(snapshot: Snapshot) -> None:
    """Lag, and events written and read in a second, over the last minutes."""
    samples = [sample for sample in snapshot.samples if sample.at > snapshot.at - CHART_SECONDS]
    rows = []
    for old, new in itertools.pairwise(samples):
        seconds = max(new.at - old.at, 0.1)
        written, read = max(new.end - old.end, 0) / seconds, max(new.committed - old.committed, 0) / seconds
        rows += [
            (new.at * 1000, "lag", new.lag),
            (new.at * 1000, "written/s", written),
            (new.at * 1000, "read/s", read),
        ]
    frame = pd.DataFrame(rows, columns=["time", "what", "events"])
    # A line for nothing at all lies on the axis, and one like is seen: the scale ends at 5 events or above.
    chart = copy.deepcopy(CHART)
    chart["encoding"]["y"]["scale"] = {"nice": True, "domain": [0, max(5.0, frame["events"].max() if rows else 0)]}
    st.vega_lite_chart(frame, chart)


def show_answer(snapshot: Snapshot) -> None:
    """What became of the last click, or how far the burst is."""
    burst = st.session_state.get("burst")
    if burst is not None:
        if burst.is_alive():
            st.progress(burst.confirmed / burst.count, f"{burst.confirmed:,} of {burst.count:,} likes confirmed")
            return
        st.session_state.answer = burst.answer
        st.session_state.burst = None
    answer = st.session_state.get("answer")
    if not answer:
        st.html('<div class="path quiet">Click Like, and follow the event through its partition to a consumer.</div>')
    elif "error" in answer:
        st.error(f"**Not sent:** {answer['error']}  \n{answer['hint']}", icon=":material/error:")
    elif "count" in answer:
        spread = ", ".join(f"{n:,} in partition {p}" for p, n in sorted(answer["partitions"].items()))
        st.success(
            f"**Likes {answer['first_order']:,} to {answer['last_order']:,}** confirmed in "
            f"{answer['seconds']:.1f} s: {spread}",
            icon=":material/bolt:",
        )
    else:
        st.html(path_html(answer, snapshot))


def show_member(member: Member, snapshot: Snapshot) -> None:
    """A consumer with its buttons, or with what to type when run.py is not there to press them."""
    number = number_of(member.client_id)
    running = member.state in ("consuming", "idle", "joining")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(member_html(member, snapshot), width="stretch")
        if CONTROL_URL and number:
            for verb in ("stop", "kill") if running else ("start",):
                st.button(verb, key=f"{verb} {number}", on_click=control, args=[f"{verb} {number}"], width="content")
    if not CONTROL_URL and number and not running and member.state != "silent":
        st.caption(
            f"`CONSUMER_PORT={member.port} python consumer.py`, on Windows "
            f"`set CONSUMER_PORT={member.port} && python consumer.py`"
        )


@st.fragment(run_every=REFRESH_SECONDS)
def show_board(group: str) -> None:
    """Everything that changes by itself."""
    snapshot = watcher_of(group).snapshot()
    show_answer(snapshot)
    if snapshot.problem:
        before = f"  \nBelow is what was seen last, at {clock(snapshot.at)}." if snapshot.partitions else ""
        st.warning(f"**{snapshot.problem}** {snapshot.hint}{before}", icon=":material/hourglass_empty:")
    if snapshot.note:
        st.info(snapshot.note, icon=":material/info:")
    known = st.session_state.setdefault("known_ends", {})
    silent = {member.client_id for member in snapshot.members if member.state == "silent"}
    mine = st.session_state.get("answer") or {}
    lanes = [lane_html(p, p.owner in silent, mine, known.get(p.number)) for p in snapshot.partitions[:LANES_SHOWN]]
    st.session_state.known_ends = {p.number: p.end for p in snapshot.partitions}
    if rest := snapshot.partitions[LANES_SHOWN:]:
        lag = sum(partition.lag for partition in rest)
        lanes.append(f'<div class="quiet">and {len(rest)} more partitions, with a lag of {lag:,} together</div>')
    st.html(f'<div class="lanes{" stale" if snapshot.problem else ""}">{LANES_EXPLAINED}{"".join(lanes)}</div>')
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.subheader("Members", help="Each partition is read by one member of the group.")
        for member in snapshot.members:
            show_member(member, snapshot)
        numbers = [number_of(member.client_id) or 0 for member in snapshot.members]
        if CONTROL_URL and max(numbers, default=0) < MOST_CONSUMERS and group == GROUP:
            following = max(numbers, default=0) + 1
            st.button(
                f"start consumer {following}",
                icon=":material/add:",
                key="more",
                on_click=control,
                args=[f"start {following}"],
            )
    with right:
        st.subheader("Rebalances", help="When a member comes or goes, the partitions are dealt out anew.")
        rows = [rebalance_html(rebalance) for rebalance in snapshot.rebalances[: -REBALANCES_SHOWN - 1 : -1]]
        head = "<tr class='quiet'><td>time</td><td>cause</td><td>partition: owner</td><td>without owner</td></tr>"
        none = '<div class="quiet">None since this page looks: stop a consumer and see.</div>'
        st.html(f'<table class="rebalances">{head}{"".join(rows)}</table>' if rows else none)
        st.subheader("Lag and throughput", help="Lag: events that are written and that the group has not read yet.")
        show_chart(snapshot)


def show_controls(watcher: GroupWatcher) -> None:
    """Like, with a key or without; many at once."""
    partitions = len(watcher.snapshot().partitions)
    button, options = st.columns([3, 4], gap="large", vertical_alignment="bottom")
    with options:
        left, right = st.columns(2, vertical_alignment="bottom")
        key = left.text_input(
            "Key (optional)", max_chars=200, placeholder="ann", help="Press Enter to see its partition"
        )
        with right.form("many", border=False):
            count = st.number_input("How many at once?", 1, LARGEST_BURST, 100)
            if st.form_submit_button("Send a burst", icon=":material/bolt:", width="stretch"):
                st.session_state.burst = Burst(count)
                st.session_state.burst.start()
        if key and partitions:
            left.markdown(f"goes to **partition {partition_of_key(key, partitions)}**")
        else:
            left.caption("Without a key: round robin")
    if button.button("Like", icon=":material/favorite:", key="like", width="stretch"):
        st.session_state.answer = call_producer("/like", {"key": key} if key else {}, LIKE_SECONDS)
        watcher.look_now(0.5)  # the board that follows shows the like already


def main() -> None:
    st.set_page_config(page_title="Hands-on Kafka", page_icon="❤️", layout="wide")
    st.html(STYLE)
    title, choice = st.columns([3, 1], vertical_alignment="bottom")
    title.title("Hands-on Kafka")
    watched = st.session_state.get("group", GROUP)
    group = choice.selectbox("Consumer group", groups_of_the_cluster(watched), key="group")
    show_controls(watcher_of(group))
    show_board(group)


main()
