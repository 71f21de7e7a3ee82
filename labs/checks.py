"""What `python run.py check` finds out: which goals of a lab are reached, and what is missing and why.

Each lab's folder has a `check.py`: `goals(seen)` asks the broker, through `evidence.Evidence`; `LEAVES` is for a reset.
Nothing is stored elsewhere, so the check still works after a restart, and it does not matter how a goal was reached.
"""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs import FOLDER
from labs.evidence import Evidence
from plumbing import Problem


@dataclass(frozen=True)
class Goal:
    """Something that the cluster shows once a learner has done it.

    what     the goal
    reached  whether it is reached
    why      the evidence: the numbers that prove it, or what is missing
    next     what to do if it has not been reached
    """

    what: str
    reached: bool
    why: str
    next: str = ""


@dataclass(frozen=True)
class Leaves:
    """What the programs of a lab leave: topics, groups, share groups (each reads the topic with its name), some of the
    saved answers to clicks, a user of the broker. `in_use` says what must end before they can be deleted."""

    topics: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    share_groups: tuple[str, ...] = ()
    answers: Callable[[dict], bool] | None = None
    user: str = ""
    in_use: Callable[[], Problem | None] = lambda: None


def pages() -> dict[int, Path]:
    """The number of each lab -> its page."""
    return {int(page.parent.name.split("_")[1]): page for page in sorted(FOLDER.glob("lab_*/README.md"))}


def title(number: int) -> str:
    """The lab's name: the first line of its page, without `# Lab 1: `."""
    with pages()[number].open(encoding="utf-8") as lines:
        return next(lines).partition(": ")[2].strip()


def goals(number: int, seen: Evidence) -> Iterator[Goal]:
    """The current state of the lab's goals. Raises KafkaException."""
    return _check(number).goals(seen)


def leaves(number: int) -> Leaves:
    """What `python run.py labs reset` deletes."""
    return _check(number).LEAVES


def _check(number: int) -> Any:
    return importlib.import_module(f"labs.{pages()[number].parent.name}.check")
