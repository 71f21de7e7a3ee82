"""The page in a real browser, on the whole system: what a learner clicks and sees."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import chromium
from tests.programs import ROOT

RESULTS = ROOT / "test-results"
PAGE = "http://localhost:8501"


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def page(launched, browser, request):
    """The page, wide, in light colours; a screenshot of its last state is kept in test-results/."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(20_000)
    page.goto(PAGE)
    yield page
    RESULTS.mkdir(exist_ok=True)
    page.screenshot(path=RESULTS / f"{request.node.name}.png", full_page=True)
    page.close()


def like(page: Page) -> tuple[int, int]:
    """Click Like; gives the order and the partition that the page then shows."""
    before = page.get_by_test_id("stAlert").inner_text()
    page.get_by_role("button", name="Like").click()
    answer = page.get_by_test_id("stAlert")
    expect(answer).not_to_have_text(before)
    expect(answer).to_contain_text(re.compile(r"Like \d+ is in partition \d"))
    order, partition = re.search(r"Like (\d+) is in partition (\d)", answer.inner_text()).groups()
    return int(order), int(partition)


def test_a_like_shows_up_at_the_consumer_that_owns_its_partition(page):
    for _ in range(3):
        order, partition = like(page)
        assert partition == (order - 1) % 3
        owner = page.get_by_test_id("stColumn").filter(has_text=f"consumer {partition + 1}").last
        expect(owner.get_by_text(f"#{order}", exact=True)).to_be_visible()


def test_a_burst_is_confirmed_and_counted(page):
    page.get_by_role("spinbutton").fill("10000")
    page.get_by_role("button", name="Send a burst").click()
    expect(page.get_by_test_id("stAlert")).to_contain_text(re.compile(r"Likes \d+ to \d+ confirmed"), timeout=60_000)


def test_a_consumer_that_is_stopped_is_shown_with_how_to_start_it(page, launched):
    launched.type("stop 1")
    expect(page.get_by_text("not running")).to_be_visible()
    expect(page.get_by_text("start 1 in the terminal of run.py")).to_be_visible()
    expect(page.get_by_text("partition 0, 1 ·")).to_be_visible()
    launched.type("start 1")
    expect(page.get_by_text("not running")).to_have_count(0)


def test_without_the_producer_the_page_says_what_to_do_and_recovers(page, launched):
    launched.type("stop producer")
    launched.wait_for("^  producer +stopped")
    page.get_by_role("button", name="Like").click()
    expect(page.get_by_text("the producer is not running on port 5001")).to_be_visible()
    expect(page.get_by_text("start it: python producer.py")).to_be_visible()
    assert page.get_by_test_id("stException").count() == 0
    launched.type("start producer")
    launched.wait_for("Producer on http", times=2)
    like(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_narrow_window_in_both_themes(launched, browser, theme):
    page = browser.new_page(viewport={"width": 400, "height": 900}, color_scheme=theme)
    page.goto(PAGE)
    expect(page.get_by_text("consumer 3")).to_be_visible(timeout=20_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    RESULTS.mkdir(exist_ok=True)
    page.screenshot(path=RESULTS / f"narrow-{theme}.png", full_page=True)
    page.close()
