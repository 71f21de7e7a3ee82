"""The check of a lab, with its goals as they are reached, and the progress in all labs, in the side bar."""

import streamlit as st

from exercises import exercises, mine
from labs import checks
from page.labs.progress import Progress, State
from page.labs.words import goals_html, status_html

CHECK_EVERY_SECONDS = 0.4
PROGRESS_EVERY_SECONDS = 3.0


@st.cache_resource
def progress() -> Progress:
    """One for all visitors: the checks ask the same broker."""
    return Progress()


def show_check(lab: int) -> None:
    """The button and, once pressed, the goals for as long as the page is open."""
    watched = st.session_state.setdefault("checked", set())
    if st.button(f"Check lab {lab}", icon=":material/checklist:", key=f"check-{lab}", type="primary"):
        watched.add(lab)
    if lab in watched:
        _show_goals(lab)


@st.fragment(run_every=CHECK_EVERY_SECONDS)
def _show_goals(lab: int) -> None:
    state = progress().look(lab).get(lab)
    if state is None:
        st.html(status_html("Asking the broker ..."))
        return
    if state.problem:
        st.warning(f"**{state.problem}**  \n{state.hint}", icon=":material/hourglass_empty:")
    if state.goals:
        st.html(goals_html(state.goals))
        st.html(status_html(f"{state.reached} of {len(state.goals)} reached"))


def show_side_bar() -> None:
    with st.sidebar:
        _show_progress()


@st.fragment(run_every=PROGRESS_EVERY_SECONDS)
def _show_progress() -> None:
    """A link to each lab, with its progress; below them that in the exercises."""
    states = show_count()
    for number, page in st.session_state.lab_pages.items():
        st.page_link(page, label=f"{number}. {checks.title(number)}", icon=icon_of(states.get(number)))
        st.html(f'<span class="quiet reached">{in_words(states.get(number))}</span>')
    if problem := next((state.problem for state in states.values() if state.problem), ""):
        st.caption(problem)
    show_passed()


def show_passed() -> None:
    """How many exercises have passed."""
    passed, known = len(mine.done()), len(exercises())
    st.progress(passed / known, f"{passed} of {known} exercises")


def show_count() -> dict[int, State]:
    """How many goals of the labs are reached; returns what is known of each lab."""
    states = progress().look()
    known = [state for state in states.values() if state.goals]
    total, reached = sum(len(state.goals) for state in known), sum(state.reached for state in known)
    text = f"{reached} of {total} goals of the labs" if len(known) == len(checks.pages()) else "Asking the broker ..."
    st.progress(reached / total if total else 0.0, text)
    return states


def icon_of(state: State | None) -> str:
    if state is None or not state.reached:
        return ":material/radio_button_unchecked:"
    return ":material/check_circle:" if state.done else ":material/timelapse:"


def in_words(state: State | None) -> str:
    """`done`, `2 of 5`, or an ellipsis while unknown."""
    if state is None or not state.goals:
        return "not known" if state else "..."
    return "done" if state.done else f"{state.reached} of {len(state.goals)}"
