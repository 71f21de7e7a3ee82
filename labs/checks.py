"""What `python run.py check` finds out: which goals of a lab are reached, what is missing, and why.

Each lab has a module `check` with the function `goals(seen)`. It asks the broker, through `evidence.Evidence`; nothing
is remembered elsewhere, so the check is right after a restart, too, and it does not matter how a goal was reached.
"""

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labs.evidence import Evidence

LABS = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Goal:
    """Something that the cluster shows once a learner has done it.

    what     the goal
    reached  whether it is
    why      what was found: the numbers that prove it, or what is missing
    next     what to do if it is not reached
    """

    what: str
    reached: bool
    why: str
    next: str = ""


def folder(number: int) -> Path | None:
    """The folder of the lab, None if there is no lab of this number."""
    return next(LABS.glob(f"lab_{number:02d}_*"), None)


def numbers() -> list[int]:
    return sorted(int(re.match(r"lab_(\d+)", path.name)[1]) for path in LABS.glob("lab_[0-9]*"))


def title(number: int) -> str:
    """The lab's name: the first line of its page, without `# Lab 1: `."""
    with (folder(number) / "README.md").open(encoding="utf-8") as lines:
        return next(lines).partition(": ")[2].strip()


def goals(number: int, seen: Evidence) -> Iterator[Goal]:
    """The goals of the lab as they stand now. Raises KafkaException."""
    return importlib.import_module(f"labs.{folder(number).name}.check").goals(seen)
