"""The predictions of a lab: each answer unfolds once the question is answered. Nothing is graded."""

import streamlit as st

from labs.blocks import Question
from page.labs.words import linked


def show_questions(lab: int, questions: tuple[Question, ...]) -> None:
    for number, question in enumerate(questions, start=1):
        _show(f"{lab}-{number}", number, question)


def _show(name: str, number: int, question: Question) -> None:
    """Keep predictions for the session: Streamlit forgets widgets that are not on the page."""
    kept = st.session_state.setdefault("predictions", {})
    label, key = f"{number}. {linked(question.text)}", f"predict-{name}"

    def keep() -> None:
        kept[name] = st.session_state[key]

    if question.choices:
        index = question.choices.index(kept[name]) if kept.get(name) in question.choices else None
        st.radio(label, question.choices, index=index, key=key, on_change=keep)
    else:
        st.text_input(label, kept.get(name, ""), key=key, on_change=keep, max_chars=500)
    if kept.get(name):
        with st.expander(f"Answer {number}"):
            st.markdown(linked(question.answer))
    else:
        st.caption(f"Answer {number} can be unfolded once you have predicted it.")
