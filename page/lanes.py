"""The parts of the page that are HTML: a lane, a member, a rebalance, the path of a like.

Anyone who can reach the broker can choose a client id: `name_of` makes it safe. Only the numbers of an event are shown.
Its looks are in style.css.
"""

import html
import time

from page.group import Member, Partition, Rebalance, Snapshot, port_of
from settings import CONSUMER_PORT, IN_CONTAINER, MOST_CONSUMERS

MOVES_SHOWN = 12
LATEST_MS = 2**43  # not every computer can show a later date
NUMBERS_EXPLAINED = (
    "end: offset of the next event; committed: where the group resumes; lag: events in between that still exist"
)
# Colours that colour-blind people can tell apart, most of them Okabe and Ito's.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9"]
NO_OWNER = "#888888"


def number_of(client_id: str) -> int | None:
    """1 for the consumer on the first port, and so on; None for other clients."""
    number = (port_of(client_id) or 0) - CONSUMER_PORT + 1
    return number if 1 <= number <= MOST_CONSUMERS else None


def how_to_start(number: int) -> str:
    """What to type without `run.py`, in Markdown."""
    if IN_CONTAINER:
        return f"`docker compose start consumer-{number}`"
    port = CONSUMER_PORT + number - 1
    return (
        f"`CONSUMER_PORT={port} python consumer.py`, on Windows "
        f'`cmd /c "set CONSUMER_PORT={port} && python consumer.py"`'
    )


def name_of(client_id: str | None) -> str:
    """A name for people, safe in HTML."""
    if client_id is None:
        return "no owner"
    number = number_of(client_id)
    return f"consumer {number}" if number else html.escape(client_id)


def colour_of(client_id: str | None) -> str:
    number = number_of(client_id) if client_id else None
    return COLOURS[(number - 1) % len(COLOURS)] if number else NO_OWNER


def clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def path_html(answer: dict, snapshot: Snapshot) -> str:
    """The path of the last like: button, partition, consumer."""
    arrow = '<span class="arrow">&rarr;</span>'
    partition = next((p for p in snapshot.partitions if p.number == answer["partition"]), None)
    if partition is None:
        reader = "not known yet whether it has been read"
    elif not partition.beyond_end and (partition.committed or 0) > answer["offset"]:
        reader = f"<b>{name_of(partition.owner)}</b> has read it" if partition.owner else "it has been read"
    elif partition.owner:
        reader = f"waits for <b>{name_of(partition.owner)}</b>"
    else:
        reader = "waits for an owner of the partition"
    return (
        f'<div class="path">&hearts; <b>like {int(answer["order"])}</b>{arrow}'
        f"<b>partition {int(answer['partition'])}</b>, "
        f'<span class="place">offset {int(answer["offset"])}</span>{arrow}{reader} '
        f'<span class="quiet">confirmed in {answer["took_ms"]:.0f} ms</span></div>'
    )


def lane_html(partition: Partition, silent: bool, mine: dict, known_end: int | None) -> str:
    """A partition: its owner, latest events and offsets."""
    chips = []
    for event in reversed(partition.events):
        kinds = ["event"]
        kinds += ["newest"] if event.offset == partition.end - 1 else []
        kinds += ["arrived"] if known_end is not None and event.offset >= known_end else []
        kinds += ["mine"] if (mine.get("partition"), mine.get("offset")) == (partition.number, event.offset) else []
        what = "not a like"
        if event.order is not None and event.ts_ms is not None:
            at = clock(event.ts_ms / 1000) if event.ts_ms < LATEST_MS else "far ahead"
            what = f"#{event.order}<small>{at}</small>"
        chips.append(f'<span class="{" ".join(kinds)}" title="offset {event.offset}">{what}</span>')
    owner = f"{name_of(partition.owner)}{', silent' if silent else ''}" if partition.owner else "no owner"
    port = port_of(partition.owner or "") or ""
    lane, dot = ("lane unread", "dot hollow") if silent or not partition.owner else ("lane", "dot")
    committed = "none" if partition.committed is None else f"{partition.committed:,}"
    committed += ", beyond the end" if partition.beyond_end else ""
    return (
        f'<div class="{lane}" style="--owner: {colour_of(partition.owner)}">'
        f'<span class="name">partition {partition.number}</span>'
        f'<span class="owner"><span class="{dot}"></span>{owner} <span class="quiet">{port}</span></span>'
        f'<span class="events">{"".join(chips)}</span>'
        f'<span class="numbers{" behind" if partition.lag else ""}" title="{NUMBERS_EXPLAINED}">end {partition.end:,} '
        f"&middot; committed {committed} &middot; <b>lag {partition.lag:,}</b></span></div>"
    )


def member_html(member: Member, snapshot: Snapshot) -> str:
    """A consumer: its partitions and its state."""
    owned = ", ".join(map(str, member.partitions))
    states = {
        "consuming": f"consuming partition{'s' if len(member.partitions) > 1 else ''} {owned}",
        "idle": f"idle: more members than partitions ({len(snapshot.partitions)})",
        "joining": "joining the group",
        "silent": f"silent; the broker will notice in at most {member.seconds_left or 0:.0f} s",
        "left": "stopped cleanly and left the group",
        "timed out": "stopped answering; its session timed out",
        "left or timed out": "no longer in the group",
        "not started": "not started",
    }
    here = member.state in ("consuming", "idle", "joining")
    port = f' <span class="quiet">{member.port}</span>' if member.port else ""
    return (
        f'<div class="member" style="--owner: {colour_of(member.client_id)}"><span class="who"><span class="dot'
        f'{"" if here else " hollow"}"></span><b>{name_of(member.client_id)}</b>{port}</span><br>'
        f'<span class="quiet">{states[member.state]}</span></div>'
    )


def rebalance_html(rebalance: Rebalance) -> str:
    """A row of the timeline: when, why, what moved, how long without an owner."""
    causes = []
    for cause in rebalance.causes:
        client_id, _, what = cause.partition(" ")
        causes.append(f"{name_of(client_id)} {what}" if port_of(client_id) else html.escape(cause))
    numbers = sorted(rebalance.before.keys() | rebalance.after.keys())
    moves = [(n, rebalance.before.get(n), rebalance.after.get(n)) for n in numbers]
    moved = [f"{n}: {name_of(old)} &rarr; {name_of(new)}" for n, old, new in moves if old != new]
    shown = "<br>".join(moved[:MOVES_SHOWN]) or "every partition keeps its owner"
    gap = f"{rebalance.without_owner:.1f} s" if rebalance.without_owner >= 0.3 else "under 0.3 s"
    return f"<tr><td>{clock(rebalance.at)}</td><td>{', '.join(causes)}</td><td>{shown}</td><td>{gap}</td></tr>"
