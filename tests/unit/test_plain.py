"""Foreign text reaches the terminal as text: no colour, no title, no line that looks like run.py's."""

import runpy
import subprocess
import sys
from types import SimpleNamespace

import pytest

from labs import __main__ as labs_main
from labs.checks import Goal
from launcher import check, doctor, terminal
from plumbing.plain import plain
from tests.programs import ROOT

FOREIGN = "consumer-\x1b[31m5002\x1b]0;title\x07\x9b2J\r\n! all is lost\u202e\ud800"
SHOWN = r"consumer-\x1b[31m5002\x1b]0;title\x07\x9b2J\r\n! all is lost\u202e\ud800"


def test_plain_text_stays_as_it_is():
    assert plain("Jörg's Zähler 数 ❤ [0, 1]") == "Jörg's Zähler 数 ❤ [0, 1]"
    assert plain("\tat kafka.Kafka") == "    at kafka.Kafka"


def test_what_cannot_be_printed_is_shown_escaped():
    assert plain(FOREIGN) == SHOWN
    assert plain(FOREIGN).isprintable()


@pytest.mark.parametrize(
    ("write", "lines"),
    [
        (lambda: terminal.say("group", FOREIGN), 1),
        (lambda: terminal.relay("consumer-1", FOREIGN), 1),
        (lambda: terminal.complain(FOREIGN, FOREIGN), 4),
        (lambda: terminal.write(FOREIGN), 2),
        (lambda: doctor.main(), 3),  # the finding, an empty line, the result
        (lambda: check._print_goals(3, [Goal("a goal", False, FOREIGN, "go on")]), 4),
    ],
    ids=["say", "relay", "complain", "write", "doctor", "check"],
)
def test_foreign_text_cannot_send_escape_sequences_to_the_terminal(write, lines, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "findings", lambda: [doctor.Finding("group", FOREIGN)])
    write()
    written = capsys.readouterr().out
    assert r"consumer-\x1b[31m5002" in written
    assert all(line.isprintable() for line in written.split("\n"))
    assert len(written.splitlines()) == lines


def test_the_terminal_has_the_colours_of_the_page(capsys, monkeypatch):
    monkeypatch.setattr(terminal, "colourful", lambda: True)
    terminal.relay("producer", "\x1b[0m")
    terminal.complain("wrong", "a hint")
    relayed, wrong, hint = capsys.readouterr().out.splitlines()
    assert relayed == "\x1b[38;5;175mproducer   |\x1b[0m \\x1b[0m"
    assert (wrong, hint) == ("\x1b[31mwrong\x1b[0m", "  -> a hint")


def test_a_dumb_terminal_gets_no_escape_sequences(monkeypatch):
    monkeypatch.setattr(terminal.sys, "stdout", SimpleNamespace(isatty=lambda: True))
    assert terminal.colourful() and terminal.is_interactive()
    monkeypatch.setattr(terminal, "DUMB_TERMINAL", True)
    assert not terminal.colourful() and not terminal.is_interactive()


def test_a_log_line_is_one_plain_line():
    code = "import logging; from plumbing import process; process.log_to_stdout(); logging.info('%s', {!r})"
    code = code.format(FOREIGN.removesuffix("\ud800"))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.stdout == SHOWN.removesuffix(r"\ud800") + "\n"
    assert done.stderr == ""


def test_what_the_programs_of_the_labs_print_is_plain(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["labs", "lab_06_offsets.replay"])
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, getattr(sys, name))  # put back at the end
    monkeypatch.setattr(runpy, "run_module", lambda *_arguments, **_options: print("order:", FOREIGN, flush=True))
    labs_main.main("lab_06_offsets.replay")
    written = capsys.readouterr().out
    assert written.startswith(r"order: consumer-\x1b[31m5002")
    assert all(line.isprintable() for line in written.split("\n"))
