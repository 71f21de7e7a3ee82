"""Page: a Like button for the producer, and a live view of the consumer group.

    streamlit run producer_ui.py        on http://localhost:8501

A click on Like calls the producer's HTTP API, like `curl -X POST http://localhost:5001/like`. The live view of the
topic and the group comes from the broker: see page/. The other pages are the labs.
"""

import time

import requests
import streamlit as st
from starlette.middleware import Middleware

from page import board
from page.answer import explain, forget_answers
from page.frames import OnlyOurFrames
from page.labs import pages
from plumbing import loopback
from settings import PRODUCER_PORT

PRODUCER = f"http://127.0.0.1:{PRODUCER_PORT}"
LIKE_SECONDS = 15  # the producer answers sooner, even if the broker does not


def like_button(key: str) -> bool:
    """The Like button; returns True if it was clicked. Likes with the same key go to the same partition.

    The producer answers {"order": 7, "partition": 0, "offset": 2, ...} when the broker has confirmed the like, or else
    {"error": "no broker answers on localhost:9092", "hint": "start it: python run.py, or start_kafka.bat"}.
    """
    if not st.button("Like", icon=":material/favorite:", key="like", width="stretch"):
        return False
    forget_answers()
    started = time.perf_counter()
    try:
        body = {"key": key} if key else {}
        answer = loopback.post(f"{PRODUCER}/like", json=body, timeout=LIKE_SECONDS).json()
    except requests.RequestException as error:
        answer = explain(error)
    st.session_state.answer = answer | {"took_ms": (time.perf_counter() - started) * 1000}
    return True


def show_board_page() -> None:
    group = board.show_title()
    place, key = board.show_options(group)
    with place:
        clicked = like_button(key)
    if clicked:
        board.look_now(group)
    board.show_board(group)


def main() -> None:
    pages.navigation(show_board_page).run()


if __name__ == "__main__":  # for a visitor
    main()
else:  # for the server
    app = st.App(__file__, middleware=[Middleware(OnlyOurFrames)])
