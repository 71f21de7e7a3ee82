"""The index of the labs: what each teaches, and this learner's progress."""

import re

import streamlit as st

from labs import FOLDER, checks
from page import board
from page.labs.goals import PROGRESS_EVERY_SECONDS, icon_of, in_words, progress, show_side_bar
from page.labs.lab import STYLE

_ROW = re.compile(r"^\| \[(\d+)\. [^\]]+\]\([^)]+\) \| (.+?) \| (\d+) \|$", re.MULTILINE)


def show() -> None:
    board.begin("Labs")
    st.html(STYLE)
    show_side_bar()
    st.title("Labs")
    st.markdown(
        "In each you **predict** what will happen, **do** it and **see**, and **check** what you have achieved: the "
        "check asks the broker. They build on each other, but each can be done alone."
    )
    _show_rows()


@st.fragment(run_every=PROGRESS_EVERY_SECONDS)
def _show_rows() -> None:
    states = progress().known()
    for number, (learnt, minutes) in syllabus().items():
        page, far = st.session_state.lab_pages[number], in_words(states.get(number))
        st.page_link(page, label=f"**{number}. {checks.title(number)}**", icon=icon_of(states.get(number)))
        st.html(f'<p class="learnt">{learnt} <span class="quiet">{minutes} minutes &middot; {far}</span></p>')


def syllabus() -> dict[int, tuple[str, str]]:
    """The number of each lab -> what it teaches, as HTML, and its minutes, from the table in labs/README.md."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    code = re.compile(r"`([^`]+)`")
    return {int(n): (code.sub(r"<code>\1</code>", learnt), minutes) for n, learnt, minutes in _ROW.findall(text)}
