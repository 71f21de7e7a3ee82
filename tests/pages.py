"""Markdown that is played: its blocks of commands, and what it promises to show after each.

```sh       for a shell, in the folder of the project
```run      typed into the terminal in which `python run.py` runs
```text     after one of these: what it shows
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from tests.programs import PATIENCE, Program, wait_until

LEFT_OPEN = [  # what differs from time to time, in an escaped line -> what may stand there
    (r"\d{4}\\-\d\d\\-\d\d(?=\\s\+\d\d:)", r"\\d{4}-\\d\\d-\\d\\d"),
    (r"\b\d\d:\d\d:\d\d\b", r"\\d\\d:\\d\\d:\\d\\d"),
    (r"\b\d{13}\b", r"\\d{13}"),
    (r"(pid\\s\+)\d+", r"\1\\d+"),
    (r"(TopicId:\\s\+)\S+?(?=\\s)", r"\1\\S+"),
]


@dataclass(frozen=True)
class Step:
    """The commands of one block, and the lines that the page promises after them."""

    kind: str
    commands: list[str]
    shown: list[str]
    meanwhile: bool = False


def steps(page: Path) -> list[Step]:
    """The blocks of commands of a page, in its order."""
    tokens, made = MarkdownIt().parse(page.read_text(encoding="utf-8")), []
    blocks = [(token.info, token.content.splitlines()) for token in tokens if token.type == "fence"]
    for (info, lines), (following, shown) in zip(blocks, [*blocks, ("", [])][1:], strict=True):
        kind, *meanwhile = info.split() or [""]
        if kind in ("sh", "run"):
            made.append(Step(kind, lines, shown if following == "text" else [], meanwhile == ["meanwhile"]))
    return made


def as_pattern(line: str, left_open: list[tuple[str, str]] = LEFT_OPEN) -> str:
    """A pattern for the shown line, whatever its blanks, with what is `left_open`."""
    pattern = r"\s+".join(map(re.escape, line.split()))
    for what, anything in left_open:
        pattern = re.sub(what, anything, pattern)
    return rf"^\s*{pattern}"


def found(pattern: str, lines: list[str]) -> bool:
    return any(re.search(pattern, line) for line in lines)


def wait_for_shown(step: Step, session: Program, before: int, left_open: list[tuple[str, str]] = LEFT_OPEN) -> None:
    """Wait for each line that the page shows, among those after the first `before` lines of the session."""
    for line in step.shown:
        pattern = as_pattern(line, left_open)
        wait_until(lambda pattern=pattern: found(pattern, session.lines[before:]), line, lines=session.lines)


def run_in_shell(command: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess:
    options = {"capture_output": True, "stdin": subprocess.DEVNULL, "encoding": "utf-8", "timeout": PATIENCE}
    return subprocess.run(command, shell=True, cwd=folder, env=environment, **options)
