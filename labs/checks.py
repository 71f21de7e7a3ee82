"""What `python run.py check` finds out: which goals of a lab are reached, and what is missing, and why.

Each lab's folder has a `check.py` with the function `goals(seen)`. It asks the broker, through `evidence.Evidence`.
Nothing else is stored, so the check is still right after a restart, and a goal counts however it was reached.
"""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labs import FOLDER
from labs.evidence import Evidence


@dataclass(frozen=True)
class Goal:
    """Something that the cluster shows once a learner has done it.

    what     the goal
    reached  whether it is reached
    why      what was found: the numbers that prove it, or what is missing
    next     what to do if it is not reached
    """

    what: str
    reached: bool
    why: str
    next: str = ""


def pages() -> dict[int, Path]:
    """The number of each lab -> its page."""
    return {int(page.parent.name.split("_")[1]): page for page in sorted(FOLDER.glob("lab_*/README.md"))}


def title(number: int) -> str:
    """The lab's name: the first line of its page, without `# Lab 1: `."""
    with pages()[number].open(encoding="utf-8") as lines:
        return next(lines).partition(": ")[2].strip()


def goals(number: int, seen: Evidence) -> Iterator[Goal]:
    """The goals of the lab as they stand now. Raises KafkaException."""
    return importlib.import_module(f"labs.{pages()[number].parent.name}.check").goals(seen)
