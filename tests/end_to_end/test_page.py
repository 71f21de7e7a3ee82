"""The page in a real browser, on the whole system: what a learner clicks and sees.

A screenshot of each state is kept in test-results/; docs/pictures.py takes the README's pictures from there.
"""

import os
import re
import signal

import psutil
import pytest
from playwright.sync_api import Page, expect

from brokers.ports import port_holder
from tests.browser import chromium
from tests.programs import ROOT, answers, wait_until
from tests.scheduling import rest_repeats

RESULTS = ROOT / "test-results"
PAGE = "http://localhost:8501"


@pytest.fixture(scope="module")
def browser():
    RESULTS.mkdir(exist_ok=True)
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def tab(launched, browser):
    """The page stays open in it: loading takes longer than most of these tests."""
    page = open_page(browser)
    yield page
    page.close()


@pytest.fixture
def page(tab):
    """The page, wide, in light colours, with a stable group."""
    expect_owners(tab, 1, 2, 3)
    yield tab
    expect(tab.get_by_test_id("stException")).to_have_count(0)


def open_page(browser, path: str = "", width: int = 1280, **media) -> Page:
    page = browser.new_page()
    page.set_viewport_size({"width": width, "height": 960})
    page.emulate_media(**media)
    page.goto(f"{PAGE}/{path}")
    return page


def lane(page: Page, partition: int):
    return page.locator(".lane").nth(partition)


def expect_owners(page: Page, *consumers: int) -> None:
    for partition, consumer in enumerate(consumers):
        expect(lane(page, partition).locator(".owner")).to_have_text(re.compile(rf"^consumer {consumer} \d+$"))


def member(page: Page, number: int):
    return page.locator(".member").filter(has_text=re.compile(rf"^consumer {number}\b"))


def like(page: Page) -> tuple[int, int]:
    """Click Like; returns the order and partition that the page then shows."""
    before = page.locator(".path").inner_text()
    page.locator(".st-key-like button").click()
    expect(page.locator(".path")).not_to_have_text(before)
    order, partition = re.search(r"like (\d+) *\W *partition (\d)", page.locator(".path").inner_text()).groups()
    return int(order), int(partition)


def press(page: Page, button: str) -> None:
    """Press a button of a consumer, such as `stop 1`."""
    page.locator(f".st-key-{button.replace(' ', '-')} button").click()


def test_a_like_is_followed_from_the_button_to_its_consumer(page):
    for _ in range(8):
        order, partition = like(page)
        assert partition == (order - 1) % 3
        chip = lane(page, partition).locator(".event.newest.mine")
        expect(chip).to_contain_text(f"#{order}")
        expect(page.locator(".path")).to_contain_text(f"consumer {partition + 1} has read it")
        expect(lane(page, partition).locator(".numbers")).to_contain_text("lag 0")
    assert page.locator(".event.mine").count() == 1
    for partition in range(3):  # round robin
        assert lane(page, partition).locator(".event").count() >= 2
    page.wait_for_timeout(1500)  # the newest event has arrived at its place
    page.screenshot(path=RESULTS / "page.png")


def test_stop_and_start_move_the_partition_and_are_shown(page):
    press(page, "stop 1")
    expect_owners(page, 2, 2, 3)
    expect(member(page, 1)).to_contain_text("stopped cleanly")
    expect(page.locator(".rebalances tr").nth(1)).to_contain_text("consumer 1 left0: consumer 1 → consumer 2")
    page.screenshot(path=RESULTS / "stopped.png")
    press(page, "start 1")
    expect_owners(page, 1, 2, 3)
    expect(page.locator(".rebalances tr").nth(1)).to_contain_text("consumer 1 joined0: consumer 2 → consumer 1")
    page.reload()
    expect(page.locator(".rebalances tr").nth(2)).to_contain_text("consumer 1 left")  # the timeline has survived


def test_kill_counts_down_until_the_others_take_over(page):
    press(page, "kill 1")
    expect(member(page, 1)).to_contain_text(re.compile(r"silent; the broker will notice in at most [3-6] s"))
    expect(lane(page, 0).locator(".owner")).to_contain_text("consumer 1, silent")
    page.screenshot(path=RESULTS / "killed.png")
    expect_owners(page, 2, 2, 3)
    expect(page.locator(".rebalances tr").nth(1)).to_contain_text("consumer 1 timed out0: consumer 1 → consumer 2")
    expect(member(page, 1)).to_contain_text("its session timed out")
    press(page, "start 1")
    expect_owners(page, 1, 2, 3)


def test_a_key_shows_its_partition_before_the_click(page):
    key = page.get_by_role("textbox", name="Key (optional)")
    key.fill("ann")
    key.press("Enter")
    promise = page.get_by_text(re.compile(r"^goes to partition \d$"))
    expect(promise).to_be_visible()
    promised = int(promise.inner_text()[-1])
    assert {like(page)[1] for _ in range(3)} == {promised}
    page.wait_for_timeout(2500)  # the board has refreshed itself: what was typed is still there
    expect(key).to_have_value("ann")
    key.fill("")
    key.press("Enter")
    expect(promise).to_have_count(0)


@pytest.mark.slow
def test_a_fourth_consumer_is_idle_with_the_reason(page):
    page.get_by_role("button", name="start consumer 4").click()
    expect(member(page, 4)).to_contain_text("idle: more members than partitions (3)")
    expect_owners(page, 1, 2, 3)
    page.screenshot(path=RESULTS / "fourth.png")
    press(page, "stop 4")
    expect(member(page, 4)).to_contain_text("stopped cleanly")


def test_a_burst_is_confirmed_counted_and_read(page):
    page.get_by_role("spinbutton").fill("10000")
    page.get_by_role("button", name="Send a burst").click()
    expect(page.get_by_test_id("stAlert")).to_contain_text(re.compile(r"Likes [\d,]+ to [\d,]+ confirmed"))
    for partition in range(3):
        expect(lane(page, partition).locator(".numbers")).to_contain_text("lag 0")
    page.wait_for_timeout(1500)  # for the chart
    page.screenshot(path=RESULTS / "burst.png")


def test_without_the_producer_the_page_says_what_to_do_and_recovers(page, launched):
    launched.type("stop producer")
    launched.wait_for("^  producer +stopped")
    page.locator(".st-key-like button").click()
    expect(page.get_by_text("the producer is not running on port 5001")).to_be_visible()
    expect(page.get_by_text("start it: python producer.py")).to_be_visible()
    page.screenshot(path=RESULTS / "no-producer.png")
    launched.type("start producer")
    wait_until(lambda: answers("http://127.0.0.1:5001/health"), "the producer")
    page.locator(".st-key-like button").click()
    expect(page.locator(".path")).to_contain_text(re.compile(r"like \d+"))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows cannot suspend a process and resume it")
def test_without_the_broker_the_page_says_so_and_recovers(page):
    broker = psutil.Process(port_holder(9092).pid)
    broker.send_signal(signal.SIGSTOP)
    try:
        expect(page.get_by_text("No broker answers on localhost:9092.")).to_be_visible()
        expect(page.get_by_text("Below is the last known state, of ")).to_be_visible()
        expect(page.locator(".stale .lane")).to_have_count(3)
        page.screenshot(path=RESULTS / "no-broker.png")
    finally:
        broker.send_signal(signal.SIGCONT)
    expect(page.get_by_text("No broker answers")).to_have_count(0)
    expect_owners(page, 1, 2, 3)
    assert like(page)


WIDTHS_AND_THEMES = rest_repeats([(400, "dark"), (1280, "light")])


@pytest.mark.parametrize(("width", "theme"), WIDTHS_AND_THEMES)
def test_it_fits_narrow_and_wide_windows_in_both_themes(launched, browser, width, theme):
    page = open_page(browser, width=width, color_scheme=theme, reduced_motion="reduce")
    expect_owners(page, 1, 2, 3)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=RESULTS / f"page-{theme}-{width}.png", full_page=True)
    page.close()
