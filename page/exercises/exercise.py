"""The page of an exercise: its task, and beside it the learner's file, the verdict on each save, hints, a solution.

The browser says which button was pressed. What is judged is the file in `mine/` that belongs to this page.
"""

from collections.abc import Callable

import streamlit as st

from exercises import Exercise, exercises, mine
from page import board
from page.exercises.index import show_side_bar
from page.exercises.verdicts import Verdict, Verdicts
from page.labs.lab import STYLE
from page.labs.words import goals_html, linked, output_html, status_html
from page.lanes import clock
from plumbing import callers
from settings import IN_CONTAINER, ROOT

LOOK_EVERY_SECONDS = 0.4


@st.cache_resource
def verdicts() -> Verdicts:
    """One for all visitors: the files are the same."""
    return Verdicts()


def show(number: int) -> None:
    exercise = exercises()[number]
    board.begin(f"Exercise {number}: {exercise.title}")
    st.html(STYLE)
    show_side_bar()
    text, beside = st.columns(2, gap="medium")
    with text:
        st.title(f"Exercise {number}: {exercise.title}")
        st.markdown(linked(exercise.task.partition("\n")[2]))
    with beside, st.container(key="mine"):
        _show_file(exercise)
        _show_hints(exercise)
    _show_solution(exercise)


def _show_file(exercise: Exercise) -> None:
    name = mine.file_of(exercise).relative_to(ROOT).as_posix()
    st.subheader("Your file")
    if IN_CONTAINER:
        st.info("This page runs in a container, without your files. In a terminal in the project's folder, type")
        st.code(f"python run.py exercise {exercise.number}", language=None)
        return
    state = _state_of(exercise)
    if state[0]:
        st.code(name, language=None, wrap_lines=True)
        st.caption("Open it in your editor. It is judged here whenever you save it.")
        with st.container(horizontal=True):
            again, over = ":material/replay:", ":material/restart_alt:"
            st.button("Judge it again", icon=again, key="again", on_click=_change, args=[exercise.number, _judge_again])
            st.button("Start over", icon=over, key="over", on_click=_change, args=[exercise.number, _start_over])
    else:
        st.markdown(f"The start file is wrong or incomplete in one point. Copy it to `{name}`, which is yours.")
        label, icon = f"Begin exercise {exercise.number}", ":material/edit:"
        st.button(label, icon=icon, key="begin", type="primary", on_click=_change, args=[exercise.number, mine.begin])
    _show_verdict(exercise, state)


def _state_of(exercise: Exercise) -> tuple[bool, bool]:
    """Was it begun, and has it passed?"""
    return mine.file_of(exercise).exists(), exercise.number in mine.done()


def _change(number: int, change: Callable[[Exercise], object]) -> None:
    """Change the learner's file, if the one who clicks is on this computer."""
    if callers.may_call(st.context.headers):
        change(exercises()[number])
    else:
        st.toast("This page was opened under a name that is not a name of this computer.", icon=":material/error:")


def _judge_again(exercise: Exercise) -> None:
    mine.begin(exercise).touch()  # as an editor does that saves it


def _start_over(exercise: Exercise) -> None:
    if kept := mine.reset(exercise):
        st.toast(f"What you had written is now in {kept.relative_to(ROOT).as_posix()}.", icon=":material/save:")


@st.fragment(run_every=LOOK_EVERY_SECONDS)
def _show_verdict(exercise: Exercise, shown: tuple[bool, bool]) -> None:
    """It asks for the whole page again if that shows another state of the exercise."""
    if _state_of(exercise) != shown:
        st.rerun()
    verdict = verdicts().look(exercise.number)  # also before the file is there: the judge takes a second to start
    begun, passed = shown
    if not begun:
        return
    if verdict and verdict.problem:
        st.warning(f"**{verdict.problem}**  \n{verdict.hint}", icon=":material/hourglass_empty:")
    if verdict and verdict.goals:
        st.html(goals_html(verdict.goals))
    if verdict and verdict.printed and verdict.reached < len(verdict.goals):
        st.caption("The last lines that it has printed")
        st.html(output_html(list(verdict.printed), "What your program has printed"))
    st.html(status_html(in_words(verdict)))
    if passed and verdict and verdict.complete:
        _show_next(exercise)


def in_words(verdict: Verdict | None) -> str:
    if verdict is None or not verdict.complete:
        return "Judging ..."
    if verdict.problem:
        return "It is judged as soon as that is over."
    reached = f"{verdict.reached} of {len(verdict.goals)} reached"
    return f"{reached} in the file saved at {clock(verdict.saved[0] / 1e9)}, {verdict.took:.1f} s"


def _show_next(exercise: Exercise) -> None:
    following = mine.next_open(exercise.number)
    if following.number in mine.done():
        st.success("Passed, and with it all exercises. Compare it with our solution below.")
        return
    st.success("Passed. Compare it with our solution below, or go on:")
    page = st.session_state.exercise_pages[following.number]
    st.page_link(page, label=f"Exercise {following.number}: {following.title}", icon=":material/arrow_forward:")


def _kept(name: str, number: int) -> str:
    """Where the session keeps it: Streamlit forgets widgets that are not on the page."""
    return f"{name}-of-exercise-{number}"


def _show_hints(exercise: Exercise) -> None:
    """One more with each click."""
    st.subheader("Hints")
    hints, key = exercise.hints, _kept("hints", exercise.number)
    shown = st.session_state.setdefault(key, 0)
    for number, hint in enumerate(hints[:shown], start=1):
        st.markdown(f"**{number}.** {hint}")
    if shown < len(hints):
        name = f"Show hint {shown + 1} of {len(hints)}"
        st.button(name, icon=":material/lightbulb:", key="hint", on_click=_set, args=[key, shown + 1])


def _show_solution(exercise: Exercise) -> None:
    """Behind a question while the exercise is open."""
    st.subheader("Solution")
    key = _kept("solution", exercise.number)
    answer = st.session_state.setdefault(key, "")
    if answer == "shown":
        st.code(exercise.solution, "python", wrap_lines=True)
    elif answer != "asked":
        wanted = "shown" if exercise.number in mine.done() else "asked"
        st.button("Show our solution", icon=":material/code:", key="solution", on_click=_set, args=[key, wanted])
    else:
        st.markdown("Your file has not passed yet. Show a solution all the same?")
        with st.container(horizontal=True):
            st.button("Yes, show it", key="yes", on_click=_set, args=[key, "shown"])
            st.button("No", key="no", on_click=_set, args=[key, ""])


def _set(key: str, value: object) -> None:
    st.session_state[key] = value
