"""A lab's page in parts, and what of it the page in the browser may run."""

import re

import pytest

from labs import blocks, checks
from tests.pages import steps

LABS = sorted(checks.pages())
A_PAGE = """# Lab 1: Logs

First.

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

## Do, and see

```run
like
```

```text
producer   | Delivered
```

Then:

```sh
python run.py check 1
```
"""


def test_a_page_is_split_at_its_headings_and_blocks():
    page = blocks.parse(A_PAGE)
    assert [section.heading for section in page.sections] == ["Lab 1: Logs", "Predict", "Do, and see"]
    assert [block.kind for block in page.sections[2].blocks] == ["run", "text", "prose", "sh"]
    assert page.sections[2].blocks[0].commands == ["like"]
    numbers = [block.number for section in page.sections for block in section.blocks]
    assert numbers == list(range(len(numbers)))
    assert page.block(numbers[-1]).text == "python run.py check 1"


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
    ("before", "after", "why"),
    [
        ("```text", "```json", "unknown block"),
        ("check 1\n```\n", "check 1\n", "has no end"),
        ("2. Because", "3. Because", "answers"),
        ("</details>", "", "questions"),
    ],
)
def test_another_form_is_refused(before, after, why):
    with pytest.raises(ValueError, match=why):
        blocks.parse(A_PAGE.replace(before, after))


@pytest.mark.parametrize("lab", LABS)
def test_the_blocks_of_a_lab_are_those_that_a_markdown_parser_finds(lab):
    page = blocks.page_of(lab)
    found = [(b.kind, b.commands) for s in page.sections for b in s.blocks if b.kind in ("run", "sh")]
    assert found == [(step.kind, step.commands) for step in steps(checks.pages()[lab])]


@pytest.mark.parametrize("lab", LABS)
def test_nothing_of_a_lab_is_lost(lab):
    """All words of the README are in a heading or a block, except for what only a terminal needs."""
    page = blocks.page_of(lab)
    kept = [text for section in page.sections for text in (section.heading, *(b.text for b in section.blocks))]
    readme = re.sub(
        r"<!-- terminal -->.*<!-- /terminal -->", "", checks.pages()[lab].read_text("utf-8"), flags=re.DOTALL
    )
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


@pytest.mark.parametrize("lab", LABS)
def test_the_page_runs_every_block_except_those_that_start_a_session_or_a_server_or_call_another_program(lab):
    for section in blocks.page_of(lab).sections:
        for block in section.blocks:
            if block.kind == "run":
                assert blocks.session_commands(lab, block.number) == block.commands
            elif block.kind == "sh" and not re.match(r"curl |python run\.py (--|registry$)", block.text):
                assert ["python run.py " + " ".join(words) for words in blocks.shell_commands(lab, block.number)] == (
                    block.commands
                )


@pytest.mark.parametrize(("lab", "number"), [(1, 9999), (1, -1), (0, 1), (99, 1)])
def test_what_no_page_has_is_not_run(lab, number):
    for commands in (blocks.session_commands, blocks.shell_commands):
        with pytest.raises(LookupError):
            commands(lab, number)


def test_a_block_is_only_run_where_it_belongs():
    """Prose and output are never commands; the lines of run.py are not for a shell, and the other way round."""
    for section in blocks.page_of(1).sections:
        for block in section.blocks:
            if block.kind != "run":
                with pytest.raises(LookupError):
                    blocks.session_commands(1, block.number)
            if block.kind != "sh":
                with pytest.raises(LookupError):
                    blocks.shell_commands(1, block.number)


@pytest.mark.parametrize(
    "command",
    [
        "",
        "rm -rf .",
        "python",
        "python run.py",
        "python run.py clean",
        "python run.py --brokers 3",
        "python run.py test",
        "python run.py check",
        "python run.py check 99",
        "python run.py labs/../run.py",
        "python run.py labs/lab_01_partitions/check.py",
        "python -c print(1)",
        "python run.py; python run.py check 1",
        "curl http://localhost:5002/status",
    ],
)
def test_a_foreign_command_is_not_run(command):
    assert blocks.arguments_of_run_py(command) == []


def test_a_learner_on_a_shared_broker_sees_the_right_names(monkeypatch):
    monkeypatch.setattr(blocks, "LEARNER", "anna")
    monkeypatch.setattr(blocks, "GROUP", "likes-anna")
    monkeypatch.setattr(blocks, "TOPIC", "likes-anna")
    own = blocks._own("--topic labs-keys --topic likes --topic likes.dlt --group likes-ui, six likes")
    assert own == "--topic anna-keys --topic likes-anna --topic likes-anna.dlt --group likes-anna, six likes"
