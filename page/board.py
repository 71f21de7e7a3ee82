"""The page from top to bottom, except for the Like button: the options of a like, the partitions, the group."""

import gc
from pathlib import Path

import requests
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from page import run_py
from page.answer import show_answers, start_burst
from page.chart import chart_html
from page.group import Member, Rebalance, Snapshot
from page.lanes import clock, how_to_start, lane_html, member_html, number_of, rebalance_html
from page.look import LANES
from page.watcher import GroupWatcher
from plumbing import Problem
from plumbing.kafka import client_config
from plumbing.keys import partition_of_key
from settings import CONSUMER_PORT, CONSUMERS, CONTROL_URL, GROUP, LARGEST_BURST, MOST_CONSUMERS, TOPIC

REFRESH_SECONDS = 1.0
REBALANCES_SHOWN = 6
MEMBERS_EXPLAINED = """Each partition is read by one member of the group.
**stop** is like Ctrl+C: the member leaves, and the others take over at once.
**kill** is like a crash: Kafka notices it when the member's session times out."""
STYLE = Path(__file__).with_name("style.css")
LANES_EXPLAINED = f"""<div class="quiet">Each event is appended to one partition of the topic <b>{TOPIC}</b>; the newest
is filled. Each partition has one owner in the group, which reads it in order.</div>"""


@st.cache_resource
def watcher_of(group: str) -> GroupWatcher:
    """One watcher for all visitors: its history survives reloading the page."""
    expected = range(CONSUMER_PORT, CONSUMER_PORT + CONSUMERS) if group == GROUP else range(0)
    watcher = GroupWatcher(client_config(), group, expected)
    watcher.start()
    return watcher


@st.cache_resource(ttl=5, show_spinner=False)
def groups_of_the_cluster(watched: str) -> list[str]:
    return sorted({GROUP, watched, *watcher_of(watched).groups()})


@st.cache_resource(show_spinner=False)
def _spare_modules_the_garbage_collector() -> None:
    """Streamlit collects garbage after every refresh, and most of that time would go into modules, which stay."""
    gc.freeze()


def begin(title: str) -> None:
    """What every page begins with: its title in the browser, the style, and in a narrow window the navigation."""
    _spare_modules_the_garbage_collector()
    st.set_page_config(page_title=title, page_icon="❤️", layout="wide")
    st.html(STYLE)
    with st.container(key="ways", horizontal=True):
        for page in st.session_state.ways:
            st.page_link(page)


def show_title() -> str:
    """The head of the page; returns the chosen consumer group."""
    begin("Hands-on Kafka")
    title, choice = st.columns([3, 1], vertical_alignment="bottom")
    title.title("Hands-on Kafka")
    try:
        groups = groups_of_the_cluster(st.session_state.get("group", GROUP))
    except Problem as problem:  # invalid settings for TLS or login
        st.error(f"**{problem}**  \n{problem.hint}", icon=":material/error:")
        st.stop()
    return choice.selectbox("Consumer group", groups, index=groups.index(GROUP), key="group")


def show_options(group: str) -> tuple[DeltaGenerator, str]:
    """A key, or many likes at once. Returns the column for the Like button, and the key."""
    partitions = len(watcher_of(group).snapshot().partitions)
    button, options = st.columns([3, 4], gap="medium", vertical_alignment="bottom")
    with options:
        left, right = st.columns(2, vertical_alignment="bottom")
        key = left.text_input(
            "Key (optional)", max_chars=200, placeholder="ann", help="Press Enter to see its partition"
        )
        if key and partitions:
            left.markdown(f"goes to **partition {partition_of_key(key, partitions)}**")
        else:
            left.caption("Without a key: round robin")
        with right.form("many", border=False):
            count = st.number_input("How many at once?", 1, LARGEST_BURST, 100)
            if st.form_submit_button("Send a burst", icon=":material/bolt:", width="stretch"):
                start_burst(count)
        if key:
            right.caption("A burst has no key: round robin")
    return button, key


def look_now(group: str) -> None:
    """Make the following board show what is already confirmed."""
    watcher_of(group).look_now(0.5)


@st.fragment(run_every=REFRESH_SECONDS)
def show_board(group: str) -> None:
    """Everything that changes without a click."""
    snapshot = watcher_of(group).snapshot()
    show_answers(snapshot)
    if snapshot.problem:
        before = f"  \nBelow is the last known state, of {clock(snapshot.at)}." if snapshot.partitions else ""
        st.warning(f"**{snapshot.problem}** {snapshot.hint}{before}", icon=":material/hourglass_empty:")
    show_lanes(snapshot)
    left, right = st.columns([2, 3], gap="large")
    with left:
        show_members(snapshot, group)
    with right:
        show_rebalances(snapshot.rebalances)
        st.subheader("Lag and throughput", help="Lag: events in the topic that the group has not committed yet.")
        st.html(chart_html(snapshot))


def show_lanes(snapshot: Snapshot) -> None:
    """Each partition with its owner, latest events and offsets."""
    known = st.session_state.setdefault("known_ends", {})
    silent = {member.client_id for member in snapshot.members if member.state == "silent"}
    mine = st.session_state.get("answer") or {}
    lanes = [lane_html(p, p.owner in silent, mine, known.get(p.number)) for p in snapshot.partitions[:LANES]]
    st.session_state.known_ends = {p.number: p.end for p in snapshot.partitions}
    if rest := snapshot.partitions[LANES:]:
        lag = sum(partition.lag for partition in rest)
        lanes.append(f'<div class="quiet">and {len(rest)} more partitions with a total lag of {lag:,}</div>')
    st.html(f'<div class="lanes{" stale" if snapshot.problem else ""}">{LANES_EXPLAINED}{"".join(lanes)}</div>')


def show_members(snapshot: Snapshot, group: str) -> None:
    st.subheader("Members", help=MEMBERS_EXPLAINED)
    for member in snapshot.members:
        show_member(member, snapshot)
    following = max((number_of(member.client_id) or 0 for member in snapshot.members), default=0) + 1
    if CONTROL_URL and following <= MOST_CONSUMERS and group == GROUP:
        label, command = f"start consumer {following}", f"start {following}"
        st.button(label, icon=":material/add:", key="more", on_click=control, args=[command])


def show_member(member: Member, snapshot: Snapshot) -> None:
    """A consumer with its buttons, or without run.py, with what to type."""
    number = number_of(member.client_id)
    running = member.state in ("consuming", "idle", "joining")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(member_html(member, snapshot), width="stretch")
        if CONTROL_URL and number:
            for verb in ("stop", "kill") if running else ("start",):
                command = f"{verb} {number}"
                st.button(verb, key=command, on_click=control, args=[command], width="content")
    if not CONTROL_URL and number and not running and member.state != "silent":
        st.caption(how_to_start(number))


def control(command: str) -> None:
    """Send run.py a command of its terminal: stop 1, kill 1, start 1."""
    try:
        run_py.send("", command=command)
    except requests.RequestException:
        st.toast(f"run.py did not answer. Type this in its terminal: {command}", icon=":material/error:")


def show_rebalances(rebalances: tuple[Rebalance, ...]) -> None:
    """The latest ones, newest first."""
    st.subheader("Rebalances", help="When a member joins or leaves, Kafka assigns the partitions again.")
    rows = [rebalance_html(rebalance) for rebalance in rebalances[: -REBALANCES_SHOWN - 1 : -1]]
    head = "<tr class='quiet'><td>time</td><td>cause</td><td>partition: owner</td><td>without owner</td></tr>"
    none = '<div class="quiet">None so far. Stop a consumer to see one.</div>'
    st.html(f'<table class="rebalances">{head}{"".join(rows)}</table>' if rows else none)
