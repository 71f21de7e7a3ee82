"""The list of the exercises, and how many have passed: as a page, and in the side bar."""

import streamlit as st

from exercises import exercises, mine
from page import board
from page.labs import goals
from page.labs.lab import STYLE


def show() -> None:
    board.begin("Exercises")
    st.html(STYLE)
    show_side_bar()
    st.title("Exercises")
    st.markdown(
        "In each you **write** a program, in your own editor, and **save** it: a real broker then judges it, under "
        "faults, and says which events were lost or repeated. They can be done in any order."
    )
    _show_rows()


def show_side_bar() -> None:
    with st.sidebar:
        _show_progress()


@st.fragment(run_every=goals.PROGRESS_EVERY_SECONDS)
def _show_progress() -> None:
    """The progress in the exercises, and below their list that in the labs."""
    goals.show_passed()
    _show_links()
    goals.show_count()


@st.fragment(run_every=goals.PROGRESS_EVERY_SECONDS)
def _show_rows() -> None:
    _show_links("**")


def _show_links(mark: str = "") -> None:
    done = mine.done()
    for number, exercise in exercises().items():
        passed, begun = number in done, mine.file_of(exercise).exists()
        icon = "check_circle" if passed else "timelapse" if begun else "radio_button_unchecked"
        label = f"{mark}{number}. {exercise.title}{mark}{' (done)' if passed else ''}"
        st.page_link(st.session_state.exercise_pages[number], label=label, icon=f":material/{icon}:")
