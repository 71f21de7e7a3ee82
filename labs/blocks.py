"""A lab's page in parts, for the page in the browser: prose, commands, what they show, predictions with their answers.

The source is the lab's README.md. A caller names a lab and a block by number, never a command; this module decides what
may be run.
"""

import re
import shlex
from dataclasses import dataclass
from functools import cache

import labs
from brokers import java
from labs import checks, prompt
from settings import GROUP, LEARNER, TOPIC

KINDS = {"run": "run", "sh": "sh", "sh meanwhile": "sh", "text": "text"}  # what follows ``` -> kind of the block
PREDICT = "Predict"
_FENCE = "```"
_FOR_A_TERMINAL = re.compile(r"<!-- terminal -->.*?<!-- /terminal -->\n\n", re.DOTALL)  # what only a terminal needs
_ANSWERS = re.compile(r"(.*)^<details><summary>Answers</summary>$(.*)^</details>$", re.MULTILINE | re.DOTALL)
_ITEM = re.compile(r"^(\d+)\. (.+?)(?=^\d+\. |\Z)", re.MULTILINE | re.DOTALL)
_CHOICE = re.compile(r"^   \* (.+?)(?=^   \* |\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A part of a page. `kind`: prose (Markdown), run (for the terminal of run.py), sh (for a shell), text (the output
    of the commands before it). `number` is its position on the page."""

    number: int
    kind: str
    text: str

    @property
    def commands(self) -> list[str]:
        return self.text.splitlines()


@dataclass(frozen=True)
class Section:
    """A heading and what follows it; the first one is the lab's title."""

    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Question:
    """Something to predict, in Markdown."""

    text: str
    choices: tuple[str, ...]
    answer: str


@dataclass(frozen=True)
class LabPage:
    """`given` is the Markdown before the questions; empty on most pages."""

    sections: tuple[Section, ...]
    given: str
    questions: tuple[Question, ...]

    def block(self, number: int) -> Block:
        """Raises LookupError."""
        for section in self.sections:
            for block in section.blocks:
                if block.number == number:
                    return block
        raise LookupError(f"the page has no block {number}")


@cache
def page_of(number: int) -> LabPage:
    """The page of the lab. Raises LookupError if there is no such lab."""
    if number not in checks.pages():
        raise LookupError(f"there is no lab {number}")
    return parse(_own(_FOR_A_TERMINAL.sub("", checks.pages()[number].read_text(encoding="utf-8"))))


def _own(markdown: str) -> str:
    """The page with this learner's topic and group names."""
    markdown = re.sub(r"\blabs-(?=[a-z.])", lambda _: f"{LEARNER}-", markdown)
    markdown = re.sub(r"\blikes-ui\b", lambda _: GROUP, markdown)
    return re.sub(r"(?<=--topic )likes\b|\blikes(?=\.dlt\b)", lambda _: TOPIC, markdown)


def parse(markdown: str) -> LabPage:
    """The parts of a page. Raises ValueError if it does not have the form of a lab page."""
    sections = [("", [])]
    for kind, text in _split(markdown):
        if kind == "heading":
            sections.append((text, []))
        else:
            sections[-1][1].append((kind, text))
    sections = [(heading, parts) for heading, parts in sections if heading or parts]
    numbers = iter(range(len(markdown)))
    made = [Section(heading, tuple(Block(next(numbers), *part) for part in parts)) for heading, parts in sections]
    predict = next((section for section in made if section.heading == PREDICT), None)
    return LabPage(tuple(made), *_predict(predict) if predict else ("", ()))


def _split(markdown: str):
    """(kind, text) of each heading, code block, and the prose in between."""
    prose: list[str] = []
    lines = iter(markdown.splitlines())
    for line in lines:
        fenced = line.startswith(_FENCE)
        if (fenced or line.startswith(("# ", "## "))) and (text := "\n".join(prose).strip()):
            yield "prose", text
        if fenced:
            if (info := line.removeprefix(_FENCE)) not in KINDS:
                raise ValueError(f"unknown block {line!r}")
            yield KINDS[info], "\n".join(_until_end(lines, line))
        elif line.startswith(("# ", "## ")):
            yield "heading", line.lstrip("#").strip()
        else:
            prose.append(line)
            continue
        prose.clear()
    if text := "\n".join(prose).strip():
        yield "prose", text


def _until_end(lines, opening: str):
    for line in lines:
        if line == _FENCE:
            return
        yield line
    raise ValueError(f"the block {opening!r} has no end")


def _predict(predict: Section) -> tuple[str, tuple[Question, ...]]:
    """The Markdown before the questions, and the questions."""
    found = _ANSWERS.fullmatch("\n\n".join(block.text for block in predict.blocks))
    before, answers = found.groups() if found else ("", "")
    asked, answered = _items(before), _items(answers)
    if not asked or asked.keys() != answered.keys():
        raise ValueError(f"questions {list(asked)}, answers {list(answered)}")
    given = _ITEM.sub("", before).strip()
    return given, tuple(_question(text, answered[number]) for number, text in asked.items())


def _items(text: str) -> dict[str, str]:
    return dict(_ITEM.findall(text))


def _question(asked: str, answer: str) -> Question:
    choices = tuple(_one_line(choice) for choice in _CHOICE.findall(asked))
    return Question(_one_line(asked.partition("\n   * ")[0]), choices, _one_line(answer))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def session_commands(lab: int, number: int) -> list[str]:
    """The lines of this block, for the terminal of run.py. Raises LookupError for any other block."""
    block = page_of(lab).block(number)
    if block.kind != "run" or not all(map(prompt.FROM_PAGE.fullmatch, block.commands)):
        raise LookupError(f"block {number} of lab {lab} has no commands for a session")
    return block.commands


def shell_commands(lab: int, number: int) -> list[list[str]]:
    """What follows `python run.py` in each line of this block. Raises LookupError if the page may not run one of
    them."""
    block = page_of(lab).block(number)
    words = [arguments_of_run_py(command) for command in block.commands] if block.kind == "sh" else []
    if not (words and all(words)):
        raise LookupError(f"block {number} of lab {lab} has nothing that the page runs")
    return words


def arguments_of_run_py(command: str) -> list[str]:
    """`["labs/click.py", "--count", "3"]` for `python run.py labs/click.py --count 3`: a lab program, a check or one of
    Kafka's tools. Empty for anything else."""
    python, run_py, first, *others = [*shlex.split(command), "", "", ""]
    if (python, run_py) != ("python", "run.py"):
        return []
    checked = first == "check" and others[:1] in [[str(number)] for number in checks.pages()]
    known = checked or first in labs.programs() or first in java.COMMANDS_OF_4
    return shlex.split(command)[2:] if known else []


def program_before(topic: str) -> str:
    """The command of the lab program that a page runs before it uses this topic; empty if no page does."""
    for number in checks.pages():
        blocks = [block for section in page_of(number).sections for block in section.blocks]
        program = ""
        for command in [command for block in blocks if block.kind == "sh" for command in block.commands]:
            if program and topic in shlex.split(command):
                return program
            if command.startswith("python run.py labs/"):
                program = command
    return ""
