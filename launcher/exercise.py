"""`python run.py exercise`: the learner writes a program in `mine/`; whenever it is saved, a real broker judges it.

    exercise                   the next open one         exercise 8        this one
    exercise check 8           judge mine/08_....py      exercise list     all of them, and which have passed
    exercise check 8 FILE      judge any file            exercise hint 8   the first hint; hint 8 2: the second
    exercise check [FOLDER]    judge all files of a folder, without its name those of mine/

`check` ends with exit code 0 if everything has passed.
"""

import contextlib
import queue
import re
import shutil
import sys
import textwrap
import threading
import time
from pathlib import Path

from confluent_kafka import KafkaException

import settings
from exercises import Exercise, exercises, mine, referee
from exercises.verdict import Judgement
from labs import secured
from labs.checks import Goal
from launcher import terminal
from plumbing import Problem
from plumbing.kafka import broker_problem
from plumbing.plain import plain
from settings import ROOT

LOOK_SECONDS = 0.2  # how often it looks whether the file was saved; and for how long it must not change then
USAGE = "python run.py exercise   (or: exercise 8, exercise check 8, exercise hint 8, exercise list)"
PAGE_WIDTH = 100
END = "\x04"  # of the input
LAST = ("quit", "exit", "q", END)
COMMANDS = "hint | solution | next | list | task | check | reset | quit"


def main(words: list[str]) -> int:
    """Returns the exit code. Raises `Problem`."""
    what, others = (words[0], words[1:]) if words else ("", [])
    if what == "list" and not others:
        return _list()
    if what == "hint" and 1 <= len(others) <= 2:
        return _hint(_exercise(others[0]), others[1] if len(others) == 2 else "1")
    if what == "check" and len(others) <= 2:
        _insist_on_a_broker()
        return _check(others)
    if len(words) <= 1 and what not in ("hint", "check"):
        exercise = _exercise(what) if what else mine.next_open()
        _insist_on_a_broker()
        return Watch(exercise).run()
    raise Problem(f"exercise {' '.join(words)}: that is not a command", USAGE)


def _exercise(number: str) -> Exercise:
    known = exercises()
    if not number.isdecimal() or int(number) not in known:
        raise Problem(f"there is no exercise {number}", "python run.py exercise list")
    return known[int(number)]


def _insist_on_a_broker() -> None:
    """Raises `Problem` if none answers; else deletes what judges that were killed have left there."""
    secured.act_as("admin")
    if problem := broker_problem(settings.BOOTSTRAP_SERVERS):
        raise problem
    with contextlib.suppress(KafkaException):
        referee.sweep()


def _list() -> int:
    done = mine.done()
    for number, exercise in exercises().items():
        state = "done" if number in done else "begun" if mine.file_of(exercise).exists() else ""
        terminal.write(f"  {number:>2}  {exercise.title:<50} {state}".rstrip())
    return 0


def _hint(exercise: Exercise, number: str) -> int:
    hints = exercise.hints
    if not number.isdecimal() or not 0 < int(number) <= len(hints):
        raise Problem(f"exercise {exercise.number} has no hint {number}", f"its hints are 1 to {len(hints)}")
    terminal.write(f"{number}. {hints[int(number) - 1]}")
    if int(number) < len(hints):
        terminal.write(f"  -> python run.py exercise hint {exercise.number} {int(number) + 1}   (one that says more)")
    return 0


def _check(words: list[str]) -> int:
    """Judge one file, or all of a folder."""
    if words and words[0].isdecimal() and not Path(words[0]).is_dir():  # a student's number, perhaps
        exercise = _exercise(words[0])
        file = Path(words[1]) if len(words) == 2 else mine.file_of(exercise)
        if not file.is_file():
            hint = f"python run.py exercise {exercise.number}   (makes one)" if len(words) == 1 else "name another one"
            raise Problem(f"there is no {_shown(file)}", hint)
        return 0 if judge(exercise, file) else 1
    folder = Path(words[0]) if words else mine.FOLDER
    found = [(one, file) for one in exercises().values() if (file := folder / mine.file_of(one).name).is_file()]
    if len(words) > 1 or not found:
        hint = "name a folder with files such as 08_at_least_once.py"
        raise Problem(f"there is no exercise in {_shown(folder)}", hint)
    passed = {exercise.number: judge(exercise, file) for exercise, file in found}
    for exercise, _ in found:
        state = "done" if passed[exercise.number] else "not yet"
        terminal.write(f"  {exercise.number:>2}  {exercise.title:<50} {state}")
    terminal.write(f"{sum(passed.values())} of {len(exercises())} passed")
    return 0 if all(passed.values()) else 1


def show(goal: Goal) -> None:
    """Of an exercise or a lab: why it is reached or not, and what to do next."""
    terminal.write(f"  {'done   ' if goal.reached else 'not yet'}  {goal.what}: {plain(goal.why)}")
    if not goal.reached:
        terminal.write(f"           -> {goal.next}")


def judge(exercise: Exercise, file: Path, interrupted=lambda: False) -> bool:
    """Print the goals as they are decided; True if the file has passed. It ends early once `interrupted()` is true.
    Raises `Problem` if the broker stops answering."""
    judgement, began = Judgement(exercise, file), time.monotonic()
    terminal.write(f"{_shown(file)}")
    shown = terminal.progress("judging", file.name) if terminal.is_interactive() else contextlib.nullcontext()
    counts = [0, 0]
    try:
        with shown, contextlib.closing(judgement.goals()) as goals:
            for goal in goals:
                counts[not goal.reached] += 1
                show(goal)
                if interrupted():
                    return False
    except KafkaException as error:
        what = f"{settings.BOOTSTRAP_SERVERS} does not answer: {error.args[0].str()}"
        raise Problem(what, "python run.py in another terminal, then save the file again") from error
    if counts[1] and judgement.printed:
        terminal.write("  the last lines that it has printed:")
        terminal.write("\n".join(f"           | {plain(line)}" for line in judgement.printed))
    terminal.write(f"{counts[0]} of {sum(counts)} reached, {time.monotonic() - began:.1f} s")
    if file.resolve() == mine.file_of(exercise).resolve():
        mine.record(exercise, judgement.source, judgement.passed)
    return judgement.passed


def _shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)


def _reflowed(page: str) -> str:
    """The page in lines that fit on the terminal, with the addresses of its links."""
    page = re.sub(r"\[([^\]]+)\]\((http[^)]+)\)(?: ·)?", r"\n\n\1:\n\n\2\n\n", page)
    width = min(shutil.get_terminal_size().columns - 1, PAGE_WIDTH)
    paragraphs = [re.split(r"\n(?=\* )", paragraph) for paragraph in re.split(r"\n\n+", page)]  # text, or a list
    shown = ("\n".join(_wrapped(" ".join(part.split()), width) for part in parts) for parts in paragraphs)
    return re.sub(r"(?<=:)\n\n(?=http)", "\n", "\n\n".join(filter(None, shown)))


def _wrapped(paragraph: str, width: int) -> str:
    indent = "  " if paragraph.startswith("* ") else ""
    return textwrap.fill(paragraph, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


class Watch:
    """One exercise after the other, each judged whenever its file is saved; commands are typed meanwhile."""

    def __init__(self, exercise: Exercise):
        self._typed: queue.Queue[str] = queue.Queue()
        self._waiting: list[str] = []  # typed while it judged
        self._choose(exercise)

    def _choose(self, exercise: Exercise) -> None:
        self._exercise, self._hints = exercise, 0
        self._seen: tuple | None = None  # the state of the file that was judged
        self._file = mine.begin(exercise)
        self._show_task()

    def _show_task(self) -> None:
        terminal.write(f"\n{_reflowed(self._exercise.task)}\n")
        terminal.write(f"Your file: {_shown(self._file)}   Open it in your editor; it is judged whenever you save it.")
        terminal.write(f"Type here: {COMMANDS}\n")

    def run(self) -> int:
        """Until `quit`, the end of the input, or Ctrl+C."""
        threading.Thread(target=self._read, daemon=True).start()
        while True:
            if self._is_saved():
                self._judge()
            if (line := self._next_line(LOOK_SECONDS)) is not None and not self._obey(line):
                return 0

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # in the background; closed
            for line in sys.stdin:
                self._typed.put(line.strip().lower())
        self._typed.put(END)

    def _next_line(self, seconds: float) -> str | None:
        """What was typed; None if nothing comes."""
        if self._waiting:
            return self._waiting.pop(0)
        with contextlib.suppress(queue.Empty):
            return self._typed.get(timeout=seconds)
        return None

    def _is_saved(self) -> bool:
        """True if it has changed since the last judgement, and is complete: editors write it in several steps."""
        state = mine.saved(self._file)
        if state is None or state == self._seen:
            return False
        time.sleep(LOOK_SECONDS)
        if state != mine.saved(self._file):
            return False
        self._seen = state
        return True

    def _judge(self) -> None:
        try:
            passed = judge(self._exercise, self._file, self._is_interrupted)
        except Problem as problem:
            return terminal.complain(str(problem), problem.hint)
        except OSError:  # the file is gone again
            return None
        if passed and len(mine.done()) == len(exercises()):
            return terminal.write("Passed, and with it all exercises. Compare: solution\n")
        return terminal.write("Passed. Compare it with ours: solution   Go on: next\n" if passed else "")

    def _is_interrupted(self) -> bool:
        """By a new version of the file, or by `quit`."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._waiting.append(self._typed.get_nowait())
        return any(line in LAST[:-1] for line in self._waiting) or mine.saved(self._file) != self._seen

    def _obey(self, line: str) -> bool:
        """False if it is the last command."""
        if line in LAST:
            return False
        if line in ("next", "n"):
            self._choose(mine.next_open(after=self._exercise.number))
        elif line.removeprefix("exercise ").isdecimal():
            try:
                self._choose(_exercise(line.removeprefix("exercise ")))
            except Problem as problem:
                terminal.complain(str(problem), problem.hint)
        elif line in ("hint", "h"):
            self._show_hints()
        elif line == "solution":
            self._show_solution()
        elif line == "list":
            _list()
        elif line == "task":
            self._show_task()
        elif line == "check":
            self._seen = None
        elif line == "reset":
            self._reset()
        elif line:
            terminal.write(f"{plain(line)}? {COMMANDS}, or the number of an exercise")
        return True

    def _show_hints(self) -> None:
        """One more each time."""
        hints = self._exercise.hints
        self._hints = min(self._hints + 1, len(hints))
        terminal.write(f"{self._hints}. {hints[self._hints - 1]}")
        left = len(hints) - self._hints
        terminal.write(f"   ({f'{left} more: hint' if left else 'that was the last one'})\n")

    def _show_solution(self) -> None:
        if self._exercise.number not in mine.done():
            terminal.write("It has not passed yet. Show a solution all the same? (y: yes)")
            # In short waits: on Windows, Ctrl+C does not end one without a limit.
            while (answer := self._next_line(LOOK_SECONDS)) is None:
                pass
            if answer not in ("y", "yes"):
                self._waiting += [answer] if answer in LAST else []
                return terminal.write("Type hint for a nudge; there are three.\n")
        return terminal.write(f"\n{self._exercise.solution}")

    def _reset(self) -> None:
        if kept := mine.reset(self._exercise):
            terminal.write(f"Your file is now {_shown(kept)}, and {_shown(self._file)} is the start file again.")
