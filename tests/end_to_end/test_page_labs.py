"""The labs and an exercise in a real browser, on the whole system: done and checked without leaving the page.

Screenshots are kept in test-results/; docs/pictures.py takes the README's picture from there.
"""

import re
import shutil
from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from exercises import exercises, mine
from labs import blocks, checks
from labs.blocks import Block
from tests.end_to_end.test_page import PAGE, RESULTS, WIDTHS_AND_THEMES, browser, open_page
from tests.labs.play import LEFT_OPEN_IN_LABS
from tests.pages import as_pattern, found
from tests.programs import wait_until

__all__ = ["browser"]
pytestmark = pytest.mark.slow
SERIOUS = ("serious", "critical")


@pytest.fixture
def lab_page(launched, browser):
    """Opens a lab page."""
    opened = []

    def open_lab(number: int, **settings) -> Page:
        page = open_page(browser, f"lab-{number}", **settings)
        opened.append(page)
        expect(page.get_by_role("button", name=f"Check lab {number}")).to_be_visible()
        return page

    yield open_lab
    for page in opened:
        expect(page.get_by_test_id("stException")).to_have_count(0)
        page.close()


def press(page: Page, lab: int, block: Block) -> None:
    page.locator(f".st-key-do-{lab}-{block.number} button").click()


def carry_out(page: Page, lab: int, block: Block) -> None:
    """Press its button, and wait for output; if run.py refuses, the test fails with the reason."""
    press(page, lab, block)
    refusal = page.get_by_test_id("stToast")
    expect(output(page, lab, block).or_(refusal).first).to_be_visible()
    assert refusal.all_inner_texts() == []


def output(page: Page, lab: int, block: Block):
    return page.locator(f".st-key-out-{lab}-{block.number}")


def lines(page: Page, lab: int, block: Block) -> list[str]:
    texts = output(page, lab, block).locator("pre.output").all_inner_texts()
    return [line for text in texts for line in text.split("\n")]


def play(page: Page, lab: int) -> None:
    """Press each button of the page in order; what the page promises must appear below it."""
    parts = [block for section in blocks.page_of(lab).sections for block in section.blocks]
    for block, following in pairwise(parts):
        if block.kind not in ("run", "sh") or block.text == f"python run.py check {lab}":
            continue
        carry_out(page, lab, block)
        if block.kind == "sh":
            expect(output(page, lab, block)).to_contain_text("finished")
        for line in following.commands if following.kind == "text" else ():
            pattern = as_pattern(line, LEFT_OPEN_IN_LABS)
            wait_until(
                lambda block=block, pattern=pattern: found(pattern, lines(page, lab, block)),
                line,
                lines=lines(page, lab, block),
            )


def test_a_lab_is_predicted_done_and_checked_without_leaving_its_page(lab_page):
    page = lab_page(1)
    goals = page.locator(".goals li")
    page.get_by_role("button", name="Check lab 1").click()
    expect(goals.filter(has_text="not yet").first).to_be_visible()
    for number, question in enumerate(blocks.page_of(1).questions, start=1):
        answer = page.get_by_text(f"Answer {number}", exact=True)
        expect(page.get_by_text(f"Answer {number} can be unfolded once")).to_be_visible()
        expect(answer).to_have_count(0)
        page.get_by_role("radiogroup", name=f"{number}. ").get_by_text(question.choices[-1]).click()
        answer.click()
        expect(page.get_by_test_id("stExpanderDetails").filter(visible=True).nth(number - 1)).not_to_be_empty()
    play(page, 1)
    count = goals.count()
    expect(page.get_by_text(f"{count} of {count} reached")).to_be_visible()
    expect(goals.filter(has_text="not yet")).to_have_count(0)
    expect(page.get_by_test_id("stSidebar").locator(".reached").nth(0)).to_have_text("done")
    assert page.url == f"{PAGE}/lab-1"
    page.get_by_text(f"{count} of {count} reached").evaluate("e => e.scrollIntoView({block: 'end'})")
    page.screenshot(path=RESULTS / "lab-1.png")


def test_a_program_is_shown_in_every_tab_where_another_one_waits_for_its_end(lab_page):
    page, other = lab_page(11), lab_page(11)
    shell = [b for s in blocks.page_of(11).sections for b in s.blocks if b.kind == "sh"]
    program = next(block for block in shell if block.text.endswith("--both-slow"))  # takes 40 s
    sample = page.get_by_text("0 commits accepted")
    expect(sample).to_be_hidden()
    carry_out(page, 11, program)
    expect(sample).to_be_visible()
    press(other, 11, shell[0])
    expect(other.get_by_text("A block of lab 11 is still running")).to_be_visible()
    page.reload()
    stop = "Stop: slow_consumer.py --both-slow"
    expect(page.get_by_role("button", name=stop)).to_be_visible()
    other.get_by_role("button", name=stop).click()
    for tab in (page, other):
        expect(output(tab, 11, program)).to_contain_text("stopped")
        expect(output(tab, 11, program)).to_contain_text("ended with exit code")
        expect(tab.get_by_role("button", name=stop)).to_have_count(0)


def test_predictions_outputs_and_progress_are_there_after_a_look_at_another_page(lab_page):
    page = lab_page(1)
    page.get_by_text("All three go to the same one.").click()
    expect(page.get_by_text("Answer 1", exact=True)).to_be_visible()
    page.get_by_role("link", name="Board", exact=True).click()
    expect(page.locator(".st-key-like button")).to_be_visible()
    expect(page.get_by_test_id("stSidebar")).to_have_count(0)  # the board has the whole window
    page.get_by_role("link", name="Labs", exact=True).click()
    rows = page.locator(".learnt")
    expect(rows).to_have_count(len(checks.pages()))
    expect(rows.nth(0)).to_contain_text(re.compile(r"\d of 5|done"))
    page.screenshot(path=RESULTS / "labs-index.png")
    page.get_by_test_id("stMain").get_by_role("link", name="1. Topics, partitions, offsets").click()
    expect(page.get_by_role("radio", name="All three go to the same one.")).to_be_checked()
    expect(page.get_by_text("Answer 1", exact=True)).to_be_visible()
    expect(page.get_by_text("Answer 2", exact=True)).to_have_count(0)


def test_programs_can_be_read_and_the_lanes_are_beside_a_lab_where_there_is_room(lab_page):
    page = lab_page(1)
    page.get_by_text("Read null_key.py").click()
    expect(page.get_by_text("def send(way: str)")).to_be_visible()
    expect(page.locator(".st-key-beside .lane")).to_have_count(3)
    expect(page.locator(".st-key-beside")).to_be_visible()
    page.get_by_role("heading", name="Go on").scroll_into_view_if_needed()
    expect(page.locator(".st-key-beside .lane").first).to_be_in_viewport()
    page.set_viewport_size({"width": 1000, "height": 800})
    expect(page.locator(".st-key-beside")).to_be_hidden()


def focused(page: Page) -> str:
    """The name of the element with the focus, without the name of its icon, which a screen reader leaves out."""
    name = "(e => e.getAttribute('aria-label') || (e.labels?.[0] ?? e).innerText || '')(document.activeElement)"
    return page.evaluate(name).strip().rpartition("\n")[2]


def tab_to(page: Page, name: str) -> None:
    for _ in range(150):
        page.keyboard.press("Tab")
        if focused(page).startswith(name):
            return
    raise AssertionError(f"Tab never leads to {name!r}")


def test_a_lab_can_be_done_with_the_keyboard_only(lab_page):
    page = lab_page(1)
    tab_to(page, "All three go to the same one.")
    page.keyboard.press("Space")
    expect(page.get_by_text("Answer 1", exact=True)).to_be_visible()
    tab_to(page, "Answer 1")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This is round robin")).to_be_visible()
    tab_to(page, "Copy to clipboard")
    tab_to(page, "Run: like")
    page.keyboard.press("Enter")
    expect(page.locator("pre.output")).to_contain_text("Consumed: order=")
    tab_to(page, "Output of like")  # a long one is scrolled with the arrows
    tab_to(page, "Check lab 1")
    page.keyboard.press("Enter")
    expect(page.locator(".goals li")).to_have_count(5)


@pytest.mark.parametrize(("width", "theme"), WIDTHS_AND_THEMES)
def test_the_pages_are_accessible_and_fit_narrow_and_wide_windows(lab_page, width, theme):
    page = lab_page(1, width=width, color_scheme=theme, reduced_motion="reduce")
    page.get_by_role("button", name="Check lab 1").click()
    expect(page.locator(".goals li")).to_have_count(5)
    page.get_by_text("One goes to each, in turn.").click()
    page.get_by_role("button", name="Run: like").click()
    expect(page.locator("pre.output")).to_contain_text("Consumed: order=")
    ways = page.locator(".st-key-ways").get_by_role("link", name="Labs", exact=True)
    expect(ways).to_be_visible(visible=width <= 768)  # a wide window has them at its top
    expect_accessible(page, width)
    page.screenshot(path=RESULTS / f"lab-{theme}-{width}.png")
    for path, there in (("labs", ".learnt"), ("", ".lane")):
        page.goto(f"{PAGE}/{path}")
        expect(page.locator(there).first).to_be_visible()
        expect_accessible(page, width)


@pytest.mark.repeats
def test_an_exercise_is_judged_whenever_its_file_is_saved(launched, copy, browser):
    exercise = exercises()[1]
    shutil.rmtree(copy / "mine", ignore_errors=True)
    page = open_page(browser, "exercises")
    page.get_by_test_id("stMain").get_by_role("link", name="1. The first event").click()
    page.get_by_role("button", name="Begin exercise 1").click()
    goals = page.locator(".goals li")
    expect(goals.filter(has_text="not yet")).to_contain_text("the program ended before it was sent")
    expect(page.get_by_text("1 of 2 reached")).to_be_visible()
    for number in (1, 2, 3):
        page.get_by_role("button", name=f"Show hint {number} of 3").click()
    expect(page.get_by_role("button", name="Show hint")).to_have_count(0)
    page.get_by_role("button", name="Show our solution").click()
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_role("button", name="Show our solution").click()
    page.get_by_role("button", name="Yes, show it").click()
    expect(page.get_by_text("and wait until the broker has it")).to_be_visible()
    (copy / "mine" / mine.file_of(exercise).name).write_text(exercise.solution, encoding="utf-8")
    expect(page.get_by_text("4 of 4 reached")).to_be_visible()
    expect(page.get_by_text("Passed. Compare it")).to_be_visible()
    expect(page.get_by_test_id("stSidebar")).to_contain_text("1 of 18 exercises")
    page.screenshot(path=RESULTS / "exercise.png")
    expect_accessible(page, 1280)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    page.close()


def expect_accessible(page: Page, width: int) -> None:
    """No serious finding of axe-core (https://github.com/dequelabs/axe-core), and nothing cut off."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for _ in range(5):  # a page that is not complete yet may have an empty part that can be scrolled
        found = Axe().run(page).response["violations"]
        serious = [(one["id"], [node["html"] for node in one["nodes"]]) for one in found if one["impact"] in SERIOUS]
        if not serious:
            break
        page.wait_for_timeout(1000)
    assert not serious
