"""A lab's page in parts, and what of it the page in the browser may run."""

import contextlib
import re

import pytest

from labs import blocks, checks
from tests.pages import steps

LABS = sorted(checks.pages())
A_PAGE = """# Lab 1: Logs

## Predict

1. One or
   two?
   * one
   * two, or
     more
2. Why?

<details><summary>Answers</summary>

1. Two.
2. Because
   of *that*.

</details>
"""


def test_a_question_has_its_choices_and_its_answer():
    one, two = blocks.parse(A_PAGE).questions
    assert (one.text, one.choices, one.answer) == ("One or two?", ("one", "two, or more"), "Two.")
    assert (two.text, two.choices, two.answer) == ("Why?", (), "Because of *that*.")


def test_what_stands_before_the_questions_is_kept():
    assert blocks.parse(A_PAGE).given == ""
    given = "Three programs\nrun: `a`, `b`, `c`."
    page = blocks.parse(A_PAGE.replace("## Predict\n", f"## Predict\n\n{given}\n"))
    assert page.given == given
    assert page.questions == blocks.parse(A_PAGE).questions


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (f"{A_PAGE}```json\n```\n", "unknown block"),
        (f"{A_PAGE}```sh\npython run.py check 1\n", "has no end"),
        (A_PAGE.replace("2. Because", "3. Because"), "answers"),
        (A_PAGE.replace("</details>", ""), "questions"),
    ],
)
def test_another_form_is_refused(page, why):
    with pytest.raises(ValueError, match=why):
        blocks.parse(page)


@pytest.mark.parametrize("lab", LABS)
def test_the_blocks_of_a_lab_are_those_that_a_markdown_parser_finds(lab):
    page = blocks.page_of(lab)
    found = [(b.kind, b.commands) for s in page.sections for b in s.blocks if b.kind in ("run", "sh")]
    assert found == [(step.kind, step.commands) for step in steps(checks.pages()[lab])]
    assert [section.heading for section in page.sections[1:]] == ["Predict", "Do, and see", "Check", "Explain", "Go on"]
    numbers = [block.number for section in page.sections for block in section.blocks]
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("lab", LABS)
def test_nothing_of_a_lab_is_lost(lab):
    """All words of the README are in a heading or a block, except for what only a terminal needs."""
    page = blocks.page_of(lab)
    kept = [text for section in page.sections for text in (section.heading, *(b.text for b in section.blocks))]
    readme = re.sub(r"<!-- terminal -->(?s:.*)<!-- /terminal -->", "", checks.pages()[lab].read_text("utf-8"))
    readme = re.sub(r"^```.*$", "", readme, flags=re.MULTILINE)
    assert re.findall(r"\w+", " ".join(kept)) == re.findall(r"\w+", readme)


@pytest.mark.parametrize("lab", LABS)
def test_each_prediction_of_a_lab_has_choices(lab):
    questions = blocks.page_of(lab).questions
    assert len(questions) >= 2
    for question in questions:
        assert len(question.choices) >= 2
        assert len(set(question.choices)) == len(question.choices)
        assert question.answer


def commands_of(which, lab: int, number: int):
    with contextlib.suppress(LookupError):
        return which(lab, number)
    return None


@pytest.mark.parametrize("lab", LABS)
def test_a_block_is_run_where_it_belongs_unless_it_starts_a_session_or_a_server_or_calls_another_program(lab):
    """Prose and output are never commands; the lines of run.py are not for a shell, and the other way round."""
    for block in (block for section in blocks.page_of(lab).sections for block in section.blocks):
        typed = block.commands if block.kind == "run" else None
        assert commands_of(blocks.session_commands, lab, block.number) == typed
        is_run = block.kind == "sh" and not re.match(r"curl |python run\.py (--|registry$)", block.text)
        words = [command.split()[2:] for command in block.commands] if is_run else None
        assert commands_of(blocks.shell_commands, lab, block.number) == words


@pytest.mark.parametrize(("lab", "number"), [(1, 9999), (1, -1), (0, 1), (99, 1)])
def test_what_no_page_has_is_not_run(lab, number):
    for commands in (blocks.session_commands, blocks.shell_commands):
        with pytest.raises(LookupError):
            commands(lab, number)


FOREIGN = ["", "rm -rf .", "python", "python -c print(1)", "python run.py", "curl http://localhost:5002/status"]
FOREIGN += ["python run.py; python run.py check 1", "python run.py labs/lab_01_partitions/check.py"]
FOREIGN += [f"python run.py {more}" for more in ("clean", "--brokers 3", "test", "check", "check 99", "labs/../run.py")]


@pytest.mark.parametrize("command", FOREIGN)
def test_a_foreign_command_is_not_run(command):
    assert blocks.arguments_of_run_py(command) == []


def test_a_learner_on_a_shared_broker_sees_the_right_names(monkeypatch):
    monkeypatch.setattr(blocks, "LEARNER", "anna")
    monkeypatch.setattr(blocks, "GROUP", "likes-anna")
    monkeypatch.setattr(blocks, "TOPIC", "likes-anna")
    own = blocks._own("--topic labs-keys --topic likes --topic likes.dlt --group likes-ui, six likes")
    assert own == "--topic anna-keys --topic likes-anna --topic likes-anna.dlt --group likes-anna, six likes"
