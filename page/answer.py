"""What the producer answered: the path of a like, the progress of a burst, or why a like is not confirmed."""

import threading
import time

import requests
import streamlit as st

from page.group import Snapshot
from page.lanes import path_html
from plumbing import loopback
from settings import IN_CONTAINER, PRODUCER_PORT

BURST_SLICE = 5_000  # likes per request; progress moves after each
BURST_SECONDS = 60  # per request


class Burst(threading.Thread):
    """Many likes, in slices, while the board keeps refreshing; `answer` is set when the thread ends."""

    def __init__(self, count: int):
        super().__init__(daemon=True)
        self.count = count
        self.confirmed = 0
        self.answer: dict = {}

    def run(self) -> None:
        started = time.perf_counter()
        first, spread = None, {}
        while self.confirmed < self.count:
            answer = self._send_slice()
            if "error" in answer:
                before = f" ({self.confirmed:,} of {self.count:,} were confirmed before)" if self.confirmed else ""
                self.answer = {**answer, "error": answer["error"] + before}
                return
            first = first or answer["first_order"]
            spread = {p: n + spread.get(p, 0) for p, n in answer["partitions"].items()}
            self.confirmed += answer["count"]
        seconds = time.perf_counter() - started
        self.answer = {**answer, "first_order": first, "partitions": spread, "seconds": seconds}

    def _send_slice(self) -> dict:
        body = {"count": min(BURST_SLICE, self.count - self.confirmed)}
        try:
            return loopback.post(f"http://127.0.0.1:{PRODUCER_PORT}/likes", json=body, timeout=BURST_SECONDS).json()
        except requests.RequestException as error:
            return explain(error)


def explain(error: requests.RequestException) -> dict:
    """Why there is no answer, in the form of the producer's own errors: {"error": ..., "hint": ...}."""
    if isinstance(error, requests.Timeout):
        look = "`docker compose logs producer`" if IN_CONTAINER else "look at its terminal"
        return {"error": "the producer did not answer in time", "hint": look}
    by_hand = "start it: `python producer.py`, or `start producer` in the terminal of run.py"
    hint = "start it: `docker compose start producer`" if IN_CONTAINER else by_hand
    return {"error": f"the producer is not running on port {PRODUCER_PORT}", "hint": hint}


@st.cache_resource
def bursts() -> list[Burst]:
    """The bursts of all visitors that are running or have just ended; they survive reloading the page."""
    return []


def start_burst(count: int) -> None:
    forget_answers()
    bursts().append(Burst(count))
    bursts()[-1].start()


def forget_answers() -> None:
    """Call before a new like or burst: its answer replaces the ones shown. Running bursts stay."""
    st.session_state.answer = None
    bursts()[:] = [burst for burst in bursts() if burst.is_alive()]


def show_answers(snapshot: Snapshot) -> None:
    """The result of the last click, and the results or progress of the bursts."""
    for burst in bursts():
        if burst.is_alive():
            st.progress(burst.confirmed / burst.count, f"{burst.confirmed:,} of {burst.count:,} likes confirmed")
        else:
            show_answer(burst.answer, snapshot)
    if answer := st.session_state.get("answer"):
        show_answer(answer, snapshot)
    elif not bursts():
        st.html('<div class="path quiet">Click Like, and follow the event through its partition to a consumer.</div>')


def show_answer(answer: dict, snapshot: Snapshot) -> None:
    if "error" in answer:
        st.error(f"**Not confirmed:** {answer['error']}  \n{answer['hint']}", icon=":material/error:")
    elif "count" in answer:
        spread = ", ".join(f"{n:,} in partition {p}" for p, n in sorted(answer["partitions"].items()))
        st.success(
            f"**Likes {answer['first_order']:,} to {answer['last_order']:,}** confirmed in "
            f"{answer['seconds']:.1f} s: {spread}",
            icon=":material/bolt:",
        )
    else:
        st.html(path_html(answer, snapshot))
