"""plumbing/like.py alone decides what a like is: the page and the labs agree with the consumer."""

from types import SimpleNamespace

import pytest

from labs.evidence import is_like
from page import lanes
from page.group import Partition
from page.tail import event_of
from plumbing.like import parse_like
from tests.reliability.test_bad_input import BROKEN, TOLERATED, like

RECORDS = {
    **BROKEN,
    **TOLERATED,
    "a like": like(),
    "with a byte order mark": like().decode().encode("utf-8-sig"),
    "without clicked_at": b'{"order": 1, "ts_ms": 1734721501000}',
    "the latest time": like(ts_ms=2**63 - 1),
}


def consumer_takes(value) -> bool:
    try:
        parse_like(value)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("value", RECORDS.values(), ids=RECORDS)
def test_page_labs_and_consumer_agree_on_what_a_like_is(value):
    record = SimpleNamespace(value=lambda: value, offset=lambda: 0)
    event = event_of(record)
    assert (event.order is not None) == is_like(record) == consumer_takes(value)
    assert ("not a like" in lanes.lane_html(Partition(0, 1, 0, None, (event,)), False, {}, None)) != is_like(record)
