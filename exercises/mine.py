"""The learner's files: a copy of each start file in `mine/`, and which of them have passed.

`mine/.done` has a line for each: the number of the exercise and the SHA-256 of the file that passed. A file that was
changed since then counts as open again. (The labs keep their evidence in the broker; here the file is the evidence.)
"""

import contextlib
import hashlib
import shutil
from pathlib import Path

from exercises import Exercise, exercises
from settings import ROOT

FOLDER = ROOT / "mine"  # in .gitignore


def file_of(exercise: Exercise) -> Path:
    return FOLDER / f"{exercise.name}.py"


def saved(file: Path) -> tuple[int, int] | None:
    """Differs after each save; None if there is no file."""
    try:
        state = file.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size


def begin(exercise: Exercise) -> Path:
    """The learner's file; the start file is copied unless it exists."""
    file = file_of(exercise)
    FOLDER.mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError), file.open("xb") as new:
        new.write(exercise.start.read_bytes())
    return file


def reset(exercise: Exercise) -> Path | None:
    """A new copy of the start file. Gives the name under which the learner's own is kept, None if there was none."""
    file = file_of(exercise)
    kept = None
    if file.exists():
        names = (file.with_suffix(f".{number}.py") for number in range(1, 10_000))
        kept = next(name for name in names if not name.exists())
        shutil.move(file, kept)
    begin(exercise)
    return kept


def record(exercise: Exercise, source: bytes, passed: bool) -> None:
    """Remember whether the file with this content has passed."""
    lines = {number: line for number, line in _passed().items() if number != exercise.number}
    if passed:
        lines[exercise.number] = _digest(source)
    text = "".join(f"{number} {digest}\n" for number, digest in sorted(lines.items()))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / ".done").write_text(text, encoding="utf-8")


def done() -> set[int]:
    """The numbers of the exercises whose file has passed as it is now."""
    known, passed = exercises(), _passed()
    return {number for number, digest in passed.items() if number in known and _is(file_of(known[number]), digest)}


def next_open(after: int = 0) -> Exercise:
    """The first open one behind this number, else the first open one, else the last."""
    known, passed = exercises(), done()
    left = [number for number in known if number not in passed]
    return known[next((number for number in left if number > after), (left or list(known)[-1:])[0])]


def _passed() -> dict[int, str]:
    """Number -> SHA-256 of the file that passed."""
    try:
        lines = (FOLDER / ".done").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return {}
    pairs = (line.split() for line in lines)
    return {int(pair[0]): pair[1] for pair in pairs if len(pair) == 2 and pair[0].isdecimal()}


def _is(file: Path, digest: str) -> bool:
    try:
        return _digest(file.read_bytes()) == digest
    except OSError:
        return False


def _digest(source: bytes) -> str:
    return hashlib.sha256(source).hexdigest()
