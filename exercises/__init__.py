"""Exercises: the learner writes a program, and a real broker judges it.

python run.py exercise              the next open one: judged whenever its file is saved
python run.py exercise check 8      judge the file once

Each has a folder, such as `ex_08_at_least_once/`: the task, the start file, the judge, the hints, a solution.

| module    | what it does                                                                            |
| --------- | --------------------------------------------------------------------------------------- |
| `mine`    | the learner's files, and which of them have passed                                      |
| `verdict` | judges one file: gives the goals as they are decided                                    |
| `referee` | what the judges share: topics and groups of a trial, its programs, faults               |
| `service`, `database` | what the program calls and writes, and their faults                          |
| `uploads` | what exercises 11 and 12 share                                                          |
| `program` | the learner's program, while it runs                                                    |
| `child`   | starts the learner's program                                                            |
"""

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Exercise:
    """What is in the folder of an exercise."""

    folder: Path

    @property
    def name(self) -> str:
        """`08_at_least_once`"""
        return self.folder.name.removeprefix("ex_")

    @property
    def number(self) -> int:
        return int(self.name.partition("_")[0])

    @property
    def start(self) -> Path:
        return self.folder / "start.py"

    @property
    def task(self) -> str:
        return self._text("README.md")

    @property
    def title(self) -> str:
        """The first line of the task, without `# 8. `."""
        return self.task.partition("\n")[0].partition(". ")[2]

    @property
    def hints(self) -> list[str]:
        found = re.split(r"^\d+\. ", self._text("hints.md"), flags=re.MULTILINE)[1:]
        return [re.sub(r"\n +", "\n", hint).strip() for hint in found]

    @property
    def solution(self) -> str:
        return self._text("solution.py")

    def _text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")


def exercises() -> dict[int, Exercise]:
    """By number."""
    found = map(Exercise, sorted(FOLDER.glob("ex_*_*")))
    return {exercise.number: exercise for exercise in found if exercise.start.exists()}
