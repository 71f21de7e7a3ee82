"""The commands of the terminal where run.py runs, for that terminal, the labs and the page. Standard library only."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A command.

    example  as lists show it; its first word is the name
    does     what the example does
    page     a pattern for the arguments with which the page may send it; None if it may not
    also     other names
    """

    example: str
    does: str
    page: str | None = None
    also: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.example.split()[0]


_PROCESS = " ([1-9]|kafka-[0-2])"
COMMANDS = (
    Command(
        "stop 1", "consumer 1 leaves the group (like Ctrl+C in its terminal); the others take its partition", _PROCESS
    ),
    Command("kill 1", "consumer 1 crashes (kill -9); the others take over when its session times out (6 s)", _PROCESS),
    Command("start 1", "consumer 1 comes back;  start 4: a fourth one", _PROCESS),
    Command("like 5", r"five clicks;  like: one", r"( [1-9]\d{0,2})?"),
    Command("status", "what runs, and who owns which partition", ""),
    Command("help", "this list", also=("?",)),
    Command("quit", "end everything (Ctrl+C does the same)", also=("exit", "q")),
)
NAMES = {name: command.name for command in COMMANDS for name in (command.name, *command.also)}
LIST = " | ".join(command.example for command in COMMANDS)
FROM_PAGE = re.compile("|".join(f"{command.name}{command.page}" for command in COMMANDS if command.page is not None))
HELP = "\n".join(f"  {command.example:<11} {command.does}" for command in COMMANDS) + (
    "\n  stop, kill and start also take: producer, page; a local kafka; with --brokers 3: kafka-0, kafka-1, kafka-2"
)


def parse(line: str) -> tuple[str, list[str]]:
    """The name of the command and its arguments; the name is empty for an empty line, the first word if unknown."""
    first, *arguments = line.split() or [""]
    return NAMES.get(first.lower(), first), arguments
