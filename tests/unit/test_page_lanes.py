"""page/lanes.py: the words on the page, and that nothing from outside becomes HTML."""

import pytest

from page import chart, lanes
from page.group import Event, Member, Partition, Rebalance, Snapshot

EVIL = "<img src=x onerror=alert(1)>"
EVENTS = (Event(0, 1, 1734721501000), Event(1, None, None), Event(2, 7, 1734721503000))
LANE = Partition(0, end=3, committed=1, owner="consumer-5002", events=EVENTS)


def test_names_are_for_people_and_safe():
    shown = {"consumer-5002": "consumer 1", "consumer-5005": "consumer 4", "consumer-9999": "consumer-9999"}
    shown["consumer-05002"] = "consumer-05002"  # not the number of the first, which is in the keys of its buttons
    shown |= {EVIL: "&lt;img src=x onerror=alert(1)&gt;", None: "no owner"}
    assert {name: lanes.name_of(name) for name in shown} == shown


def test_no_line_of_the_chart_has_the_colour_of_a_consumer():
    assert not {*chart.SERIES.values()} & {*lanes.COLOURS, lanes.NO_OWNER}


def test_a_lane_marks_the_newest_the_arrived_and_the_own_event():
    lane = lanes.lane_html(LANE, silent=False, mine={"partition": 0, "offset": 0}, known_end=2)
    assert '<span class="event mine" title="offset 0">#1' in lane
    assert '<span class="event" title="offset 1">not a like' in lane
    assert '<span class="event newest arrived" title="offset 2">#7' in lane
    assert lane.index("#7") < lane.index("#1")  # the newest first: the style puts it at the right
    assert "end 3 &middot; committed 1 &middot; <b>lag 2</b>" in lane
    assert "behind" in lane


@pytest.mark.parametrize(
    ("owner", "silent", "shown"), [(None, False, "no owner"), ("consumer-5003", True, "consumer 2, silent")]
)
def test_a_lane_that_nobody_reads_is_marked(owner, silent, shown):
    lane = lanes.lane_html(Partition(1, 0, None, owner), silent, mine={}, known_end=None)
    assert shown in lane
    assert 'class="lane unread"' in lane
    assert "committed none" in lane


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("consuming", "partitions 0, 2"),
        ("idle", "more members than partitions (1)"),
        ("silent", "at most 4 s"),
        ("left", "cleanly"),
    ],
)
def test_a_member_is_shown_with_its_state(state, shown):
    member = Member("consumer-5003", 5003, (0, 2), state, seconds_left=4.2)
    assert shown in lanes.member_html(member, Snapshot(partitions=(LANE,)))


def test_a_rebalance_shows_why_what_moved_and_for_how_long():
    before, after = {0: "consumer-5002", 1: "consumer-5003"}, {0: "consumer-5003", 1: "consumer-5003"}
    row = lanes.rebalance_html(Rebalance(0.0, ("consumer-5002 timed out",), before, after, 6.04))
    assert "<td>consumer 1 timed out</td><td>0: consumer 1 &rarr; consumer 2</td><td>6.0 s</td>" in row


def test_the_path_of_a_like_ends_at_its_reader():
    answer = {"order": 1, "partition": 0, "offset": 0, "took_ms": 4.4}
    assert "<b>consumer 1</b> has read it" in lanes.path_html(answer, Snapshot(partitions=(LANE,)))
    assert "waits for <b>consumer 1</b>" in lanes.path_html(answer | {"offset": 2}, Snapshot(partitions=(LANE,)))
    assert "not known yet" in lanes.path_html(answer, Snapshot())
    without_owner = Snapshot(partitions=(Partition(0, end=3, committed=1, owner=None),))
    assert "it has been read" in lanes.path_html(answer, without_owner)
    assert "waits for an owner" in lanes.path_html(answer | {"offset": 2}, without_owner)


def test_nothing_from_outside_becomes_html():
    partition = Partition(0, 1, None, EVIL, EVENTS)
    member = Member(EVIL, None, (0,), "consuming")
    rebalance = Rebalance(0.0, (f"{EVIL} joined",), {}, {0: EVIL}, 0.0)
    answer = {"order": 1, "partition": 0, "offset": 5, "took_ms": 1.0}
    snapshot = Snapshot(partitions=(partition,), members=(member,))
    shown = [lanes.lane_html(partition, False, {}, None), lanes.member_html(member, snapshot)]
    shown += [lanes.rebalance_html(rebalance), lanes.path_html(answer, snapshot)]
    assert [("<img" in piece, "&lt;img" in piece) for piece in shown] == [(False, True)] * 4
