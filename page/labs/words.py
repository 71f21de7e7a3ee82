"""The text on a lab's page: labels, links, HTML."""

import html
import re
from itertools import groupby
from pathlib import Path

from labs import FOLDER
from labs.blocks import Block, LabPage
from labs.checks import Goal
from page.lanes import COLOURS, how_to_start
from plumbing.plain import plain
from settings import CONSUMERS, IN_CONTAINER

LINES_SHOWN = 200
CONTAINERS = [str(number + 1) for number in range(CONSUMERS)]  # the consumers in docker-compose.yml
_LINK = re.compile(r"\[([^\]]+)\]\((?!http)([^)]+)\)")
_LAB = re.compile(r"(?:^|/)lab_0*(\d+)_\w+/README\.md$")
_CONSUMER = re.compile(r"consumer-([1-9]) +\|")


def linked(markdown: str) -> str:
    """Prose with links to pages of this site; other local files are only named."""

    def replaced(found: re.Match) -> str:
        text, target = found.groups()
        return f"**{text}**" if target.endswith(".md") else text

    return _LINK.sub(replaced, markdown)


def labs_linked(markdown: str) -> list[int]:
    """The numbers of the labs that the prose links to."""
    return [int(lab[1]) for _, target in _LINK.findall(markdown) if (lab := _LAB.search(target))]


def programs_linked(markdown: str, folder: Path) -> list[Path]:
    """The lab programs that the prose of a page in this folder links to."""
    files = [(folder / target).resolve() for _, target in _LINK.findall(markdown) if target.endswith(".py")]
    return [file for file in files if FOLDER in file.parents and file.exists()]


def label(block: Block, page: LabPage) -> str:
    """`like, 6 times`; `kill 1, then like 3`; `null_key.py`: the label of a button; with the options that tell it from
    others of the page: `slow_consumer.py --pause`."""
    found = (one for section in page.sections for one in section.blocks if one.kind == block.kind)
    alike = [one for one in found if _name(one) == _name(block)]
    common = set(_options(block)).intersection(*map(_options, alike))
    own = [option for option in _options(block) if option not in common]
    return " ".join([_name(block), *own])


def _name(block: Block) -> str:
    names = [_short(command) for command in block.commands]
    runs = [(name, len(list(same))) for name, same in groupby(names)]
    return ", then ".join(name if count == 1 else f"{name}, {count} times" for name, count in runs)


def _options(block: Block) -> list[str]:
    """`["--count 3", "--key ann"]`, or what follows a program's name, each once, in all commands of the block."""
    return list(dict.fromkeys(re.findall(r"--\S+(?: [^-\s]\S*)?|(?<=\.py )(?<!run\.py )[^-\s]\S*", block.text)))


def _short(command: str) -> str:
    return command.split()[2].rpartition("/")[2] if command.startswith("python run.py ") else command


def by_hand(command: str) -> str:
    """What to do without run.py instead of typing this line into its terminal, in Markdown."""
    verb, _, what = command.partition(" ")
    if verb == "like":
        return f"click **Like** on the board{f', {what} times' if what else ''}"
    if IN_CONTAINER and what in CONTAINERS and verb in ("stop", "kill", "start"):
        return f"in a terminal: `docker compose {verb} consumer-{what}`"
    if IN_CONTAINER:
        return "this needs `python run.py`, and so Python; first, `docker compose --profile apps down`"
    if what.isdigit() and verb == "stop":
        return f"press Ctrl+C in the terminal of consumer {what}"
    if what.isdigit() and verb == "start":
        return f"in a terminal of its own: {how_to_start(int(what))}"
    return "this needs `python run.py`: end the programs that you have started, and start them with it"


def output_html(lines: list[str], name: str) -> str:
    """The last lines of programs, each in its consumer's colour; `name` is for screen readers."""
    hidden = len(lines) - LINES_SHOWN
    shown = [f"... {hidden} lines before these"] if hidden > 0 else []
    shown += lines[-LINES_SHOWN:]
    rows = "".join(map(_line_html, shown))
    return f'<pre class="output" role="region" aria-label="{_safe(name)}" tabindex="0">{rows}</pre>'


def _line_html(line: str) -> str:
    consumer = _CONSUMER.match(line)
    colour = COLOURS[(int(consumer[1]) - 1) % len(COLOURS)] if consumer else "transparent"
    return f'<span class="line" style="--owner: {colour}">{_safe(line) or "&nbsp;"}</span>'


def status_html(text: str) -> str:
    return f'<p class="quiet state" role="status">{_safe(text)}</p>'


def goals_html(goals: tuple[Goal, ...]) -> str:
    rows = []
    for goal in goals:
        kind, mark, state = ("reached", "&#10003;", "done") if goal.reached else ("open", "&#9675;", "not yet")
        following = "" if goal.reached else f'<br><span class="next">&rarr; {_safe(goal.next)}</span>'
        rows.append(
            f'<li class="{kind}"><span class="mark" aria-hidden="true">{mark}</span><span><b>{state}</b>: '
            f"{_safe(goal.what)}: {_safe(goal.why)}{following}</span></li>"
        )
    return f'<ul class="goals">{"".join(rows)}</ul>'


def _safe(text: str) -> str:
    return html.escape(plain(text))
