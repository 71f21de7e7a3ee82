"""A block of commands: its text, the button that runs it, and its output, live.

The browser says which button was pressed; this module and run.py each look up in the lab's page what it does.
"""

import threading
import time
from dataclasses import dataclass, field

import requests
import streamlit as st

from labs import blocks
from labs.blocks import Block
from page import run_py
from page.labs.words import by_hand, label, output_html, status_html
from plumbing import callers
from settings import CONTROL_URL

POLL_SECONDS = 0.5
WATCH_SECONDS = 2.0
FOLLOWED_SECONDS = 30.0  # without a new line
LINES_KEPT = 2000
DOUBLE_CLICK_SECONDS = 1.0

RUNNING = "running ..."

_one_at_a_time = threading.Lock()


@dataclass
class Output:
    """The output of a block. run.py serves its lines at `path`, from line `next` on."""

    path: str
    next: int
    state: str = ""
    live: bool = True
    lines: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    at: float = field(default_factory=time.monotonic)  # time.monotonic() of the last line

    @property
    def is_program(self) -> bool:
        return self.path != "lines"

    @property
    def is_under_way(self) -> bool:
        """True if the program still runs, or the lines for run.py were typed just now."""
        return self.live and (self.is_program or time.monotonic() - self.began < DOUBLE_CLICK_SECONDS)

    def read(self) -> None:
        """Add new lines."""
        try:
            answer = run_py.ask(self.path, self.next)
        except requests.RequestException:
            self.state, self.live = "run.py does not answer: look at its terminal", False
            return
        if answer["lines"]:
            self.at = time.monotonic()
        self.lines = [*self.lines, *answer["lines"]][-LINES_KEPT:]
        self.next = answer["next"]
        if self.is_program and not answer["running"] and not answer["lines"]:
            self.live = False
            self.state = "finished" if answer["exit_code"] == 0 else f"ended with exit code {answer['exit_code']}"
        elif not self.is_program and time.monotonic() - self.at > FOLLOWED_SECONDS:
            self.live, self.state = False, f"no new line in {FOLLOWED_SECONDS:.0f} s"


def outputs() -> dict[tuple[int, int], Output]:
    """This visitor's, by (lab, block)."""
    return st.session_state.setdefault("outputs", {})


def follow_current() -> bool:
    """Follow the program that run.py runs, wherever its button was pressed: in another tab, or before a reload. Returns
    True if this tab did not."""
    try:
        running = run_py.ask("programs", 0) if CONTROL_URL else {}
    except requests.RequestException:
        return False
    if not running:
        return False
    place, path = (running["lab"], running["block"]), f"programs/{running['run']}"
    if place in outputs() and outputs()[place].path == path:
        return False
    outputs()[place] = Output(path, 0, RUNNING)
    return True


@st.fragment(run_every=WATCH_SECONDS)
def watch() -> None:
    if follow_current():
        st.rerun()


def show_sample(lab: int, before: Block, sample: Block) -> None:
    """What a block shows, folded until it was run: it has the answers to the predictions."""
    with st.expander("It shows, for example", expanded=(lab, before.number) in outputs()):
        st.code(sample.text, language=None, wrap_lines=True)


def show_block(lab: int, block: Block) -> None:
    """A block of the kind run or sh."""
    st.code(block.text, language=None, wrap_lines=True)
    if CONTROL_URL and (block.kind == "run" or _can_be_run(lab, block)):
        name, key = f"Run: {label(block, blocks.page_of(lab))}", f"do-{lab}-{block.number}"
        st.button(name, icon=":material/play_arrow:", key=key, on_click=carry_out, args=[lab, block.number])
    elif block.kind == "run":
        st.caption("Without `python run.py`: " + "; then ".join(dict.fromkeys(map(by_hand, block.commands))))
    else:
        st.caption("For a terminal in this folder.")
    if output := outputs().get((lab, block.number)):
        follow = st.fragment(_show_output, run_every=POLL_SECONDS if output.live else None)
        with st.container(key=f"out-{lab}-{block.number}"):
            follow(lab, block, output)


def _can_be_run(lab: int, block: Block) -> bool:
    try:
        return bool(blocks.shell_commands(lab, block.number))
    except LookupError:
        return False


def carry_out(lab: int, number: int) -> None:
    """Make run.py type the lines of this block, or run it, unless that is in progress. A double click counts once; so
    does a click that Streamlit hands to two threads, as 1.67 may while it refreshes a fragment."""
    with _one_at_a_time:
        shown = outputs()  # first: Streamlit ends this thread here if another one has taken over
        before = shown.get((lab, number))
        if before and before.is_under_way:
            return
        if output := _ask_run_py(lab, number):
            for other in shown.values():
                if not other.is_program and other.live:
                    other.live, other.state = False, ""
            shown[lab, number] = output


def _ask_run_py(lab: int, number: int) -> Output | None:
    """The output to follow; None if nothing was done, which a message explains."""
    if not callers.may_call(st.context.headers):
        st.toast("This page was opened under a name that is not a name of this computer.", icon=":material/error:")
        return None
    try:
        if blocks.page_of(lab).block(number).kind == "run":
            return _type(lab, number)
        return Output(f"programs/{run_py.send('programs', lab=lab, block=number)['run']}", 0, RUNNING)
    except requests.HTTPError as error:
        st.toast(_reason(error), icon=":material/error:")
    except requests.RequestException:
        st.toast("run.py did not answer: look at its terminal", icon=":material/error:")
    return None


def _type(lab: int, number: int) -> Output:
    first, *others = blocks.session_commands(lab, number)
    following = run_py.send("", command=first)["next"]
    for command in others:
        run_py.send("", command=command)
    return Output("lines", following, "new lines of all programs appear here ...")


def _reason(refusal: requests.HTTPError) -> str:
    answer = refusal.response
    assert answer is not None  # raise_for_status() sets it
    try:
        return answer.json()["error"]
    except (ValueError, KeyError):
        return f"run.py refused it: {answer.status_code}"


def _show_output(lab: int, block: Block, output: Output) -> None:
    was_live, name = output.live, label(block, blocks.page_of(lab))
    if was_live:
        output.read()
    if output.lines:
        st.html(output_html(output.lines, f"Output of {name}"))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(status_html(output.state), width="stretch")
        if output.is_program and output.live:
            key = f"stop-{lab}-{block.number}"
            st.button(f"Stop: {name}", icon=":material/stop:", key=key, on_click=_stop, args=[output])
    if was_live and not output.live:
        st.rerun()  # the whole page: this part no longer needs to poll


def _stop(output: Output) -> None:
    try:
        run_py.send(f"{output.path}/stop")
    except requests.RequestException:
        st.toast("run.py did not answer: look at its terminal", icon=":material/error:")
