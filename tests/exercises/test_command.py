"""`python run.py exercise`: tasks, hints, verdicts of each save, and what has passed."""

import contextlib
import os
import threading
from pathlib import Path

import pytest

from exercises import exercises, mine
from launcher import check, cli, exercise
from plumbing import Problem
from tests.programs import wait_until

FIRST = exercises()[1]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The learner's, empty."""
    monkeypatch.setattr(mine, "FOLDER", tmp_path / "mine")
    return tmp_path / "mine"


@pytest.fixture
def printed(monkeypatch) -> list[str]:
    """The lines that the launcher writes."""
    lines: list[str] = []
    monkeypatch.setattr("launcher.terminal.listeners", [lambda text: lines.extend(text.splitlines())])
    return lines


@pytest.fixture
def keyboard(monkeypatch):
    """`keyboard("hint")` types a line; `keyboard.close()` ends the input."""
    reading, writing = os.pipe()

    class Keyboard:
        def __call__(self, *lines: str) -> None:
            os.write(writing, "".join(f"{line}\n" for line in lines).encode())

        def close(self) -> None:
            with contextlib.suppress(OSError):  # closed already
                os.close(writing)

    typed = Keyboard()
    with os.fdopen(reading) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield typed
        typed.close()  # or the thread that reads would keep it open


def solve(number: int) -> None:
    mine.FOLDER.mkdir(exist_ok=True)
    mine.file_of(exercises()[number]).write_text(exercises()[number].solution, encoding="utf-8")


# The learner's files


def test_a_file_is_made_from_the_start_file_and_never_overwritten(folder):
    file = mine.begin(FIRST)
    assert file.read_bytes() == FIRST.start.read_bytes()
    file.write_text("mine", encoding="utf-8")
    assert mine.begin(FIRST).read_text(encoding="utf-8") == "mine"


def test_a_reset_keeps_what_was_there(folder):
    mine.begin(FIRST).write_text("mine", encoding="utf-8")
    assert mine.reset(FIRST).name == "01_first_event.1.py"
    mine.file_of(FIRST).write_text("again", encoding="utf-8")
    assert mine.reset(FIRST).read_text(encoding="utf-8") == "again"
    assert sorted(file.name for file in folder.iterdir()) == [
        "01_first_event.1.py",
        "01_first_event.2.py",
        "01_first_event.py",
    ]
    assert mine.file_of(FIRST).read_bytes() == FIRST.start.read_bytes()


def test_a_file_that_was_changed_since_it_passed_is_open_again(folder):
    file = mine.begin(FIRST)
    mine.record(FIRST, file.read_bytes(), passed=True)
    mine.record(exercises()[2], b"another file", passed=True)
    assert mine.done() == {1}
    file.write_text("changed", encoding="utf-8")
    assert mine.done() == set()
    mine.record(FIRST, file.read_bytes(), passed=True)
    assert mine.done() == {1}
    mine.record(FIRST, file.read_bytes(), passed=False)
    assert mine.done() == set()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"1\n2 3 4\nx y\n", b""])
def test_a_record_that_cannot_be_read_says_nothing(folder, content):
    folder.mkdir()
    (folder / ".done").write_bytes(content)
    assert mine.done() == set()


# Arguments


def test_a_verdict_is_an_exit_code(broker, folder, printed, tmp_path):
    solve(1)
    assert exercise.main(["check", "1"]) == 0
    assert printed[-1].startswith("4 of 4 reached")
    assert mine.done() == {1}
    assert exercise.main(["check", "1", str(FIRST.start)]) == 1
    assert mine.done() == {1}, "that was another file"
    assert any(line.startswith("  not yet  one event is in the topic: none") for line in printed)


def test_a_folder_is_judged_as_a_whole(broker, folder, printed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    handed_in = Path("4711")  # a student's number
    handed_in.mkdir()
    (handed_in / "01_first_event.py").write_text(FIRST.solution, encoding="utf-8")
    (handed_in / "07_lag.py").write_text(exercises()[7].start.read_text(encoding="utf-8"), encoding="utf-8")
    assert exercise.main(["check", str(handed_in)]) == 1
    assert [line.split()[-1] for line in printed[-3:]] == ["done", "yet", "passed"]
    assert printed[-1] == f"1 of {len(exercises())} passed"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["99"], "there is no exercise 99"),
        (["two"], "there is no exercise two"),
        (["hint", "1", "4"], "exercise 1 has no hint 4"),
        (["hint"], "exercise hint: that is not a command"),
        (["judge", "1"], "exercise judge 1: that is not a command"),
        (["check", "no-such-folder"], "there is no exercise in no-such-folder"),
        (["check", "1", "no-such-file.py"], "there is no no-such-file.py"),
        (["check", "1"], "there is no .*01_first_event.py"),
    ],
)
def test_what_is_wrong_is_one_line(broker, folder, words, what):
    with pytest.raises(Problem, match=what):
        exercise.main(words)


def test_without_a_broker_it_says_so(folder, monkeypatch):
    monkeypatch.setattr("settings.BOOTSTRAP_SERVERS", "127.0.0.1:1")
    with pytest.raises(Problem, match=r"no broker answers on 127\.0\.0\.1:1"):
        exercise.main(["1"])


def test_hints_say_more_and_more(printed):
    assert exercise.main(["hint", "1"]) == 0
    assert printed[-1] == "  -> python run.py exercise hint 1 2   (one that says more)"
    assert exercise.main(["hint", "1", "3"]) == 0
    assert printed[-1].startswith(("3. ", "   ", "answers"))


def test_the_words_reach_it(monkeypatch):
    name, options = cli.parse(["exercise", "check", "8", "mine.py"])
    assert (name, options.words) == ("exercise", ["check", "8", "mine.py"])


def test_the_check_of_the_labs_counts_them(folder, printed):
    check._print_progress({})
    assert printed[0].strip() == f"exercises 0 of {len(exercises())}   (python run.py exercise)"


# Watching


def test_each_save_is_judged(broker, folder, printed, keyboard):
    watching = threading.Thread(target=exercise.main, args=[["1"]])
    watching.start()
    try:
        wait_until(lambda: any("1 of 2 reached" in line for line in printed), "the first verdict", lines=printed)
        solve(1)
        wait_until(lambda: any("4 of 4 reached" in line for line in printed), "the second verdict", lines=printed)
        wait_until(lambda: any(line.startswith("Passed.") for line in printed), "praise", lines=printed)
    finally:
        keyboard("quit")
        watching.join(60)
    assert not watching.is_alive()
    assert mine.done() == {1}


def test_what_is_typed_is_answered(broker, folder, printed, keyboard):
    keyboard("hint", "hint", "solution", "no", "list", "sing", "reset", "2", "99", "next", "quit")
    assert exercise.main(["1"]) == 0
    text = "\n".join(printed)
    assert "1. What is in the buffer" in text
    assert "2. `flush()` waits" in text
    assert "Show a solution all the same? (y: yes)" in text
    assert FIRST.solution not in text
    assert "sing? hint | solution" in text
    assert "Your file is now" in text
    assert (folder / "02_did_it_arrive.py").exists()
    assert (folder / "03_key.py").exists()
    assert "there is no exercise 99" in text


def test_the_solution_is_shown_when_asked_for(broker, folder, printed, keyboard):
    keyboard("solution", "y", "quit")
    assert exercise.main(["1"]) == 0
    assert "producer.flush(10)" in printed


def test_without_a_number_it_is_the_next_open_one(broker, folder, printed, keyboard):
    solve(1)
    mine.record(FIRST, mine.file_of(FIRST).read_bytes(), passed=True)
    keyboard("quit")
    assert exercise.main([]) == 0
    assert any(line.startswith("# 2. Did it arrive?") for line in printed)


def test_the_end_of_the_input_is_the_end_after_the_verdict(broker, folder, printed, keyboard):
    solve(1)
    keyboard.close()
    assert exercise.main(["1"]) == 0
    assert any("4 of 4 reached" in line for line in printed)
