"""What `python run.py check` finds out: which goals of a lab are reached, and what is missing, and why.

Each lab has a module here, `lab_1` to `lab_10`, with the function `goals(seen)`. It asks the broker, through
`evidence.Evidence`; nothing else is remembered anywhere, so the check is right also after a restart, and a goal
that was reached by other means than those of the page is reached.
"""

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labs.checks.evidence import Evidence

PAGES = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Goal:
    """Something that the cluster shows once a learner has done it.

    what     the goal
    reached  whether it is
    why      what was found: the numbers that prove it, or what is missing
    next     what to do when it is not reached
    """

    what: str
    reached: bool
    why: str
    next: str = ""


def page(number: int) -> Path | None:
    """The page of the lab, None when there is no lab of this number."""
    return next(PAGES.glob(f"{number}-*.md"), None)


def numbers() -> list[int]:
    return sorted(int(re.match(r"\d+", path.name)[0]) for path in PAGES.glob("[0-9]*-*.md"))


def title(number: int) -> str:
    """The lab's name: the first line of its page, without `# Lab 1: `."""
    with page(number).open(encoding="utf-8") as lines:
        return next(lines).partition(": ")[2].strip()


def goals(number: int, seen: Evidence) -> Iterator[Goal]:
    """The goals of the lab as they stand now. Raises KafkaException."""
    return importlib.import_module(f"labs.checks.lab_{number}").goals(seen)
