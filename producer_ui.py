"""Page: a Like button for the producer, and what each consumer has read.

    streamlit run producer_ui.py        on http://localhost:8501

A click calls POST /like of producer.py; the lists below are GET /messages of the three consumers.
"""

import os
import time

import requests
import streamlit as st

PRODUCER_PORT = int(os.environ.get("PRODUCER_PORT", "5001"))
CONSUMER_PORT = int(os.environ.get("CONSUMER_PORT", "5002"))  # of the first of three
CONSUMER_PORTS = range(CONSUMER_PORT, CONSUMER_PORT + 3)

LARGEST_BURST = 100_000
EVENTS_SHOWN = 8
REFRESH_SECONDS = 1.0
LIKE_SECONDS = 15  # the producer answers earlier, also when the broker does not
BURST_SECONDS = 120
# Okabe and Ito's colours, which the colour-blind can tell apart; run.py uses them for the same consumers.
COLOURS = ["#0072b2", "#d55e00", "#009e73"]

STYLE = """
<style>
.block-container { max-width: 1100px; padding-top: 2.5rem; }
.st-key-like button {
    min-height: 5.5rem; border: 0; border-radius: 1.2rem; color: white;
    background: linear-gradient(135deg, #e64980, #c2255c); box-shadow: 0 .4rem 1.2rem #c2255c55;
    transition: transform .12s, box-shadow .12s;
}
.st-key-like button p { font-size: 2rem; font-weight: 700; }
.st-key-like button [data-testid="stIconMaterial"] { font-size: 2.2rem; font-variation-settings: "FILL" 1; }
.st-key-like button:hover { transform: translateY(-2px); color: white; box-shadow: 0 .6rem 1.6rem #c2255c77; }
.st-key-like button:active { transform: scale(.96); }
.consumer { border-top: .35rem solid; padding: .4rem 0 .3rem; }
.consumer.gone { border-color: #888; }
.consumer > b { font-size: 1.3rem; }
.consumer small { opacity: .75; font-size: .95rem; }
.event { display: flex; gap: .6rem; align-items: baseline; padding: .15rem 0; font-variant-numeric: tabular-nums; }
.event b { color: white; border-radius: .5rem; padding: .05rem .55rem; }
.event.newest { animation: arrive .9s ease-out; }
@keyframes arrive { from { transform: translateY(-.6rem); opacity: 0; } }
</style>
"""


def call_producer(path: str, body: dict, seconds: float) -> dict:
    """The producer's answer with `took_ms`, or {"error": ..., "hint": ...}."""
    started = time.perf_counter()
    try:
        answer = requests.post(f"http://127.0.0.1:{PRODUCER_PORT}{path}", json=body, timeout=seconds).json()
    except requests.Timeout:
        return {"error": f"the producer did not answer in {seconds} s", "hint": "look at its terminal"}
    except (requests.RequestException, ValueError):
        hint = "start it: `python producer.py`, or `start producer` in the terminal of run.py"
        return {"error": f"the producer is not running on port {PRODUCER_PORT}", "hint": hint}
    return answer | {"took_ms": (time.perf_counter() - started) * 1000}


def ask_consumer(port: int) -> tuple[dict, list[dict]] | None:
    """The status of the consumer and its last events, None when it does not answer."""
    url = f"http://127.0.0.1:{port}"
    try:
        status = requests.get(f"{url}/status", timeout=2).json()
        return status, requests.get(f"{url}/messages?limit={EVENTS_SHOWN}", timeout=2).json()
    except (requests.RequestException, ValueError):
        return None


def show_answer(answer: dict) -> None:
    """What became of the last click."""
    if "error" in answer:
        st.error(f"**Not sent:** {answer['error']}  \n{answer['hint']}", icon=":material/error:")
    elif "count" in answer:
        spread = ", ".join(f"{n} in partition {p}" for p, n in answer["partitions"].items())
        st.success(
            f"**Likes {answer['first_order']} to {answer['last_order']}** confirmed in "
            f"{answer['took_ms'] / 1000:.1f} s: {spread}",
            icon=":material/bolt:",
        )
    else:
        st.success(
            f"**Like {answer['order']}** is in **partition {answer['partition']}** at offset {answer['offset']}, "
            f"clicked at {answer['clicked_at'][11:]}, confirmed in {answer['took_ms']:.0f} ms",
            icon=":material/favorite:",
        )


def show_consumer(number: int, port: int) -> None:
    """One consumer: its partitions and the last events that it read, newest first."""
    colour = COLOURS[number - 1]
    seen = ask_consumer(port)
    if seen is None:
        st.html(f'<div class="consumer gone"><b>consumer {number}</b><br><small>not running</small></div>')
        st.caption(f"`start {number}` in the terminal of run.py, or `CONSUMER_PORT={port} python consumer.py`")
        return
    status, events = seen
    owned = ", ".join(map(str, status["assignment"])) or "none"
    lag = sum(n or 0 for n in status["lag"].values())
    head = (
        f'<div class="consumer" style="border-color: {colour}"><b>consumer {number}</b><br>'
        f"<small>port {port} · partition {owned} · {status['consumed']} read · lag {lag}</small></div>"
    )
    # Only numbers and times that the consumer has checked: nothing an event says can become HTML.
    lines = [
        f'<div class="event{" newest" if n == 0 else ""}"><b style="background: {colour}">#{int(event["order"])}</b>'
        f"<span>partition {int(event['partition'])}, offset {int(event['offset'])}</span>"
        f"<small>{time.strftime('%H:%M:%S', time.localtime(event['ts_ms'] / 1000))}</small></div>"
        for n, event in enumerate(reversed(events))
    ]
    st.html(head + ("".join(lines) or "<small>nothing read yet: click Like</small>"))
    if status["problem"]:
        st.warning(status["problem"])


@st.fragment(run_every=REFRESH_SECONDS)
def show_consumers() -> None:
    for column, (number, port) in zip(st.columns(3, gap="medium"), enumerate(CONSUMER_PORTS, start=1), strict=True):
        with column:
            show_consumer(number, port)


def main() -> None:
    st.set_page_config(page_title="Hands-on Kafka", page_icon="❤️", layout="wide")
    st.html(STYLE)
    st.title("Hands-on Kafka")
    st.markdown(
        "Click **Like**: the event goes through the producer to one partition of the topic `likes`, "
        "and out of the one consumer that owns this partition."
    )
    button, burst = st.columns([2, 1], gap="large", vertical_alignment="bottom")
    with button:
        if st.button("Like", icon=":material/favorite:", key="like", width="stretch"):
            st.session_state.answer = call_producer("/like", {}, LIKE_SECONDS)
    with burst.form("burst", border=False):
        count = st.number_input("How many at once?", 1, LARGEST_BURST, 100)
        if st.form_submit_button("Send a burst", icon=":material/bolt:", width="stretch"):
            with st.spinner(f"Sending {count} likes"):
                st.session_state.answer = call_producer("/likes", {"count": count}, BURST_SECONDS)
    if "answer" in st.session_state:
        show_answer(st.session_state.answer)
    else:
        st.info("No click yet.", icon=":material/touch_app:")
    st.subheader("Consumer group")
    show_consumers()


main()
