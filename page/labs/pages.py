"""The pages of the navigation: the board, the index of the labs, and each lab."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from labs import checks
from page.labs import index, lab


def navigation(board: Callable[[], None]):
    """The page the visitor has chosen; `run()` shows it."""
    pages = {number: _page(number) for number in checks.pages()}
    st.session_state.lab_pages = pages  # for links to them
    first = st.Page(board, title="Board", icon=":material/favorite:", default=True)
    labs = st.Page(index.show, title="Labs", icon=":material/school:", url_path="labs")
    return st.navigation([first, labs, *pages.values()], position="top")


def _page(number: int):
    title = f"Lab {number}: {checks.title(number)}"
    return st.Page(partial(lab.show, number), title=title, url_path=f"lab-{number}", visibility="hidden")
