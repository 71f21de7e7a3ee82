"""The commands of the terminal where run.py runs, for that terminal, the labs and the page. Standard library only."""

import re
from typing import NamedTuple


class Command(NamedTuple):
    example: str
    does: str
    page: str | None = None  # pattern of the arguments that the page may send; None: it may not send this


_PROCESS = " ([1-9]|kafka-[0-2])"
COMMANDS = {
    "stop": Command("stop 1", "consumer 1 leaves the group, as by Ctrl+C; the others take its partition", _PROCESS),
    "kill": Command("kill 1", "consumer 1 crashes (kill -9); the others take over after 6 s without it", _PROCESS),
    "start": Command("start 1", "consumer 1 comes back;  start 4: a fourth one", _PROCESS),
    "like": Command("like 5", "five clicks;  like: one", r"( [1-9]\d{0,2})?"),
    "status": Command("status", "what runs, and who owns which partition", ""),
    "help": Command("help", "this list"),
    "quit": Command("quit", "end everything (Ctrl+C does the same)"),
}
ALIASES = {"exit": "quit", "q": "quit", "?": "help"}
LIST = " | ".join(command.example for command in COMMANDS.values())
FROM_PAGE = re.compile(
    "|".join(f"{name}{command.page}" for name, command in COMMANDS.items() if command.page is not None)
)
HELP = (
    "\n".join(f"  {command.example:<11} {command.does}" for command in COMMANDS.values())
    + """
  stop, kill and start also take: producer, page; a local kafka; with --brokers 3: kafka-0, kafka-1, kafka-2"""
)


def parse(line: str) -> tuple[str, list[str]]:
    """The name of the command, empty for an empty line, and its arguments."""
    first, *arguments = line.lower().split() or [""]
    return ALIASES.get(first, first), arguments
