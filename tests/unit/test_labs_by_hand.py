"""The labs on a page that was started without run.py, in a real browser: what cannot be pressed shows what to type."""

import sys

import pytest
from playwright.sync_api import expect

from brokers.ports import free_ports
from tests.browser import chromium
from tests.programs import Program

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def program():
    """The page where no broker is, and no producer."""
    port, broker, producer = free_ports(3)
    by_hand = ["-m", "streamlit", "run", "producer_ui.py", "--server.headless", "true", "--server.port", str(port)]
    environment = {"KAFKA_BOOTSTRAP_SERVERS": f"localhost:{broker}", "PRODUCER_PORT": str(producer)}
    program = Program(sys.executable, *by_hand, port=port, **environment)
    try:
        program.wait_until_it_answers("/_stcore/health")
        yield program
    finally:
        program.kill()


@pytest.fixture(scope="module")
def page(program):
    with chromium(viewport={"width": 1280, "height": 960}) as browser:
        shown = browser.new_page()
        shown.goto(f"http://localhost:{program.port}/lab-3")
        yield shown


def test_there_is_something_to_type_in_place_of_each_button(page):
    expect(page.get_by_role("button", name="Check lab 3")).to_be_visible()
    expect(page.get_by_text("The buttons of this page need python run.py")).to_be_visible()
    expect(page.get_by_role("button", name="Run: ")).to_have_count(0)
    expect(page.get_by_text("press Ctrl+C in the terminal of consumer 1")).to_be_visible()
    expect(page.get_by_text("For a terminal in this folder.").first).to_be_visible()


def test_the_check_says_that_no_broker_answers(page):
    page.get_by_role("button", name="Check lab 3").click()
    expect(page.get_by_test_id("stAlert").filter(has_text="does not answer")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_when_the_programs_have_ended_the_dialog_says_what_starts_them(page, program):
    expect(page.get_by_role("button", name="Check lab 3")).to_be_visible()  # and so the page's style is there
    program.kill()
    expect(page.get_by_role("dialog")).to_be_visible()
    words = page.locator("[role=dialog] div:has(> .stErrorCodeBlock) > div").first
    told = words.evaluate("e => getComputedStyle(e, '::after').content")
    assert all(way in told for way in ("python run.py", "start_apps.bat", "docker compose"))
    assert words.evaluate("e => getComputedStyle(e).fontSize") == "0px", "the words of Streamlit"
    expect(page.locator("[role=dialog] .stErrorCodeBlock")).to_be_hidden()  # its command
