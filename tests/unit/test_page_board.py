"""page/board.py and producer_ui.py in Streamlit's own test runner, without a broker."""

import threading
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import requests
from streamlit.testing.v1 import AppTest

from page import answer, board
from page.chart import chart_html, points_of, shown, step_of
from page.group import Partition, Sample, Snapshot
from plumbing import loopback
from tests.programs import PATIENCE, ROOT

SEEN = Snapshot(at=1_734_721_501.0, tick=100.0, problem="", partitions=(Partition(0, 3, 3, "consumer-5002"),))
WATCHER = SimpleNamespace(
    start=lambda: None,
    look_now=lambda seconds: None,
    snapshot=lambda: SEEN,
    groups=lambda: ["a-group-that-sorts-before", "likes-ui"],
)
LIKED = SimpleNamespace(json=lambda: {"order": 7, "clicked_at": "", "ts_ms": 0, "partition": 0, "offset": 2})


@pytest.fixture
def page(monkeypatch):
    monkeypatch.setattr(board, "GroupWatcher", lambda *_arguments: WATCHER)
    monkeypatch.setattr("page.board.gc.freeze", lambda: None)  # the tests' own garbage is to be collected
    yield AppTest.from_file(str(ROOT / "producer_ui.py"), default_timeout=PATIENCE)
    board.watcher_of.clear()
    board.groups_of_the_cluster.clear()
    answer.bursts.clear()


def test_it_opens_on_the_configured_group_and_stays_on_the_chosen_one(page):
    page.run()
    assert not page.exception
    assert page.selectbox(key="group").value == board.GROUP
    page.selectbox(key="group").select("a-group-that-sorts-before").run()
    board.groups_of_the_cluster.clear()
    page.run()
    assert page.selectbox(key="group").value == "a-group-that-sorts-before"


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (requests.ConnectionError(), "is not running on port 5001"),
        (requests.JSONDecodeError("", "", 0), "is not running on port 5001"),
        (requests.ReadTimeout(), "did not answer in time"),
    ],
)
def test_a_producer_that_does_not_answer_is_one_line(page, monkeypatch, error, shown):
    monkeypatch.setattr(loopback, "post", Mock(side_effect=error))
    page.run()
    page.button(key="like").click().run()
    assert not page.exception
    assert shown in page.error[0].value


def test_a_burst_that_is_cut_off_reports_what_was_confirmed(monkeypatch):
    first = {"count": 5000, "first_order": 1, "last_order": 5000, "partitions": {"0": 5000}}
    answers = [first, {"error": "no broker answers", "hint": "start it"}]
    monkeypatch.setattr(answer.Burst, "_send_slice", lambda self: answers.pop(0))
    burst = answer.Burst(10_000)
    burst.run()
    assert burst.answer["error"] == "no broker answers (5,000 of 10,000 were confirmed before)"


def test_concurrent_bursts_and_clicks_all_show_their_answers(page, monkeypatch):
    """Also to a visitor who comes later, as after a reload of the page."""
    go_on = threading.Event()

    def send_slice(burst):
        go_on.wait(20)
        partitions = {"0": burst.count}
        return {"count": burst.count, "first_order": 1, "last_order": burst.count, "partitions": partitions}

    monkeypatch.setattr(answer.Burst, "_send_slice", send_slice)
    monkeypatch.setattr(loopback, "post", lambda *_arguments, **_named: LIKED)
    page.run()
    for count in (11, 22):
        page.number_input[0].set_value(count)
        page.button(key="FormSubmitter:many-Send a burst").click().run()
    page.button(key="like").click().run()
    assert not page.exception
    go_on.set()
    for burst in answer.bursts():
        burst.join(20)
    for visitor in (page, AppTest.from_file(str(ROOT / "producer_ui.py"), default_timeout=PATIENCE)):
        visitor.run()
        shown = [success.value.partition(":**")[0].partition("**")[2][:13] for success in visitor.success]
        assert shown == ["Likes 1 to 11", "Likes 1 to 22"]
    assert page.session_state["answer"]["order"] == 7
    page.button(key="like").click().run()
    assert not page.success, "a new click replaces the answers of bursts that have ended"


def test_the_chart_does_not_need_the_clock_of_the_day():
    samples = (Sample(10.0, 0, 0, 0), Sample(68.0, 0, 0, 0), Sample(70.0, 10, 4, 6))
    snapshot = Snapshot(at=5000.0, tick=100.0, samples=samples)
    assert points_of(snapshot) == [(pytest.approx(1 - 32 / 120), (0, 0, 0)), (0.75, (6, 5.0, 2.0))]
    assert 'alt="now: lag 6, written/s 5, read/s 2"' in chart_html(snapshot)
    assert ">4</span>" in chart_html(Snapshot(at=5000.0, tick=100.0)), "a scale without samples"


@pytest.mark.parametrize(
    ("highest", "step", "top"), [(4, 1, "4"), (4.1, 2, "8"), (20, 5, "20"), (999, 500, "2k"), (9e6, 5e6, "20M")]
)
def test_the_scale_of_the_chart_has_round_numbers(highest, step, top):
    assert step_of(highest) == step
    assert shown(4 * step) == top
