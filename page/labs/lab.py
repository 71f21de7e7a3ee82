"""The page of a lab from top to bottom, following its README.md; on a wide screen, with the lanes beside it."""

from pathlib import Path

import streamlit as st

from labs import blocks, checks
from labs.blocks import PREDICT, Block, Section
from page import board
from page.labs.commands import follow_current, show_block, show_sample, watch
from page.labs.goals import show_check, show_side_bar
from page.labs.predict import show_questions
from page.labs.words import labs_linked, linked, programs_linked
from settings import CONTROL_URL, GROUP

STYLE = Path(__file__).with_name("labs.css")
BY_HAND = (
    "The buttons of this page need `python run.py`, which starts the broker, the programs and this page. Without it, "
    "the page shows what to type."
)


def show(number: int) -> None:
    page = blocks.page_of(number)
    follow_current()
    board.begin(f"Lab {number}: {checks.title(number)}")
    st.html(STYLE)
    show_side_bar()
    text, beside = st.columns([7, 3], gap="medium")
    with text:
        for section in page.sections:
            _show_section(number, section)
    with beside, st.container(key="beside"):
        show_lanes()
    watch()


def _show_section(number: int, section: Section) -> None:
    if section.heading.startswith("Lab "):
        st.title(section.heading)
        if not CONTROL_URL:
            st.info(BY_HAND)
    elif section.heading:
        st.header(section.heading)
    if section.heading == PREDICT:
        page = blocks.page_of(number)
        if page.given:
            st.markdown(linked(page.given))
        show_questions(number, page.questions)
        return
    before = None
    for block in section.blocks:
        _show_block(number, block, before)
        before = block


def _is_check(number: int, block: Block) -> bool:
    return block.commands == [f"python run.py check {number}"]


def _show_block(number: int, block: Block, before: Block | None) -> None:
    if block.kind == "prose":
        _show_prose(number, block)
    elif block.kind == "text":
        if before and not _is_check(number, before):  # the goals show the same
            show_sample(number, before, block)
    elif _is_check(number, block):
        st.code(block.text, language=None, wrap_lines=True)
        show_check(number)
    else:
        show_block(number, block)


def _show_prose(number: int, block: Block) -> None:
    """Text, with the source of the programs it names."""
    st.markdown(linked(block.text))
    for file in programs_linked(block.text, checks.pages()[number].parent):
        with st.expander(f"Read {file.name}", icon=":material/code:"):
            st.code(file.read_text(encoding="utf-8"), "python", wrap_lines=True)
    for lab in labs_linked(block.text):
        page = st.session_state.lab_pages[lab]
        st.page_link(page, label=f"Lab {lab}: {checks.title(lab)}", icon=":material/arrow_forward:")


@st.fragment(run_every=board.REFRESH_SECONDS)
def show_lanes() -> None:
    """The board's partitions, small; a narrow window has no room for them."""
    snapshot = board.watcher_of(GROUP).snapshot()
    if snapshot.problem:
        st.warning(f"**{snapshot.problem}** {snapshot.hint}", icon=":material/hourglass_empty:")
    board.show_lanes(snapshot)
