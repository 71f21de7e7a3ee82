"""The pages of the navigation: the board, the lists of the labs and the exercises, and each of these."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from exercises import exercises
from labs import checks
from page.exercises import exercise
from page.exercises import index as exercise_index
from page.labs import index, lab


def navigation(board: Callable[[], None]):
    """The page the visitor has chosen; `run()` shows it."""
    labs = {number: _page("lab", number, checks.title(number), lab.show) for number in checks.pages()}
    own = {number: _page("exercise", number, one.title, exercise.show) for number, one in exercises().items()}
    st.session_state.lab_pages, st.session_state.exercise_pages = labs, own  # for links to them
    first = st.Page(board, title="Board", icon=":material/favorite:", default=True)
    lists = [
        st.Page(index.show, title="Labs", icon=":material/school:", url_path="labs"),
        st.Page(exercise_index.show, title="Exercises", icon=":material/edit:", url_path="exercises"),
    ]
    st.session_state.ways = [first, *lists]
    return st.navigation([first, *lists, *labs.values(), *own.values()], position="top")


def _page(kind: str, number: int, title: str, show: Callable[[int], None]):
    named = f"{kind.capitalize()} {number}: {title}"
    return st.Page(partial(show, number), title=named, url_path=f"{kind}-{number}", visibility="hidden")
