"""A program whose output nobody reads keeps running, and says afterwards how many lines are missing."""

import io
import os
import subprocess
import sys
import threading

import pytest

from launcher import terminal
from plumbing.output import LINES_KEPT, Output
from tests.programs import PATIENCE, ROOT

LINE = "x" * 99 + "\n"
posix = pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal: Linux or macOS")


@pytest.fixture(params=["pipe", pytest.param("terminal", marks=posix)])
def ends(request):
    """The file descriptors to read from and to write to."""
    if request.param == "pipe":
        reads, writes = os.pipe()
    else:
        import pty

        reads, writes = pty.openpty()
    yield reads, writes
    for end in (reads, writes):
        os.close(end)


def everything(reads: int, until: str) -> str:
    """What can be read there, up to this text; the test fails at its deadline if it never comes."""
    text = ""
    while until not in text:
        text += os.read(reads, 65536).decode().replace("\r\n", "\n")
    return text


def within_the_deadline(function) -> None:
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "it hangs"


def test_unread_output_blocks_nobody_and_the_missing_lines_are_counted(ends):
    reads, writes = ends
    with os.fdopen(writes, "w", closefd=False) as stream:
        output = Output(stream)
        written = 10 * LINES_KEPT
        within_the_deadline(lambda: [output.write(f"{number} {LINE}") for number in range(written)])
        text = everything(reads, until="are missing here: nobody read this output]\n")
        output.write("and on it goes\n")
        text += everything(reads, until="and on it goes\n")
    lines = text.splitlines()
    shown = [int(line.split()[0]) for line in lines[:-2]]
    assert shown == list(range(len(shown))), "the first lines, in their order"
    assert len(shown) >= LINES_KEPT
    assert lines[-2] == f"[{written - len(shown)} lines are missing here: nobody read this output]"
    assert lines[-1] == "and on it goes"


def test_a_slow_reader_gets_every_line(ends):
    reads, writes = ends
    received = []

    def read_slowly():
        while "last" not in "".join(received[-2:]):
            received.append(os.read(reads, 5000).decode())
            threading.Event().wait(0.001)

    reader = threading.Thread(target=read_slowly, daemon=True)
    reader.start()
    with os.fdopen(writes, "w", closefd=False) as stream:
        output = Output(stream)
        for number in range(3 * LINES_KEPT):
            output.write(f"{number} {LINE}")
        output.write("last\n")
    reader.join(PATIENCE)
    lines = "".join(received).splitlines()
    assert [line.split()[0] for line in lines] == [*map(str, range(3 * LINES_KEPT)), "last"]


def test_a_line_is_written_when_write_returns(ends):
    """The consumer stores the offset of an event next: in the other order a crash could lose it."""
    reads, writes = ends
    with os.fdopen(writes, "w", closefd=False) as stream:
        output = Output(stream)
        for line in ("short\n", "long " * 2000 + "\n"):
            thread = threading.Thread(target=output.write, args=[line], daemon=True)
            thread.start()
            assert everything(reads, until="\n") == line
            thread.join(PATIENCE)


def test_a_file_takes_each_line_without_a_thread(tmp_path):
    with (tmp_path / "lines.txt").open("w") as stream:
        threads = threading.enumerate()
        Output(stream).write(LINE)
        assert (tmp_path / "lines.txt").read_text() == LINE
        assert set(threading.enumerate()) <= set(threads), "a thread was started"


def test_a_reader_that_has_gone_is_not_an_error():
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "w") as stream:
        output = Output(stream)
        for _ in range(10):
            output.write(LINE)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@posix
def test_closed_standard_streams_are_not_an_error(closed):
    command = f"{sys.executable} run.py labs {closed}"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert bool(done.stdout) == (">&- " not in f"{closed} ".replace("2>&-", ""))


def test_streams_that_are_not_files_are_not_an_error(monkeypatch):
    """As in IDLE."""
    shell = io.StringIO()
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, shell)
    terminal.prepare()
    terminal.say("kafka", "a line")
    assert "a line\n" in shell.getvalue()
