"""The links of all pages lead somewhere, and the symptoms and settings that they list are those of the programs. The
commands of the README are run by tests/end_to_end/test_readme.py."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import settings
from settings import ROOT

README, TROUBLESHOOTING = ROOT / "README.md", ROOT / "docs" / "troubleshooting.md"
FOLDERS = ("docs/*.md", "labs/**/*.md", "exercises/**/*.md")
PAGES = [README, *(page for folder in FOLDERS for page in sorted(ROOT.glob(folder)))]
LINKS = [
    (page.relative_to(ROOT).as_posix(), target)
    for page in PAGES
    for target in sorted(set(re.findall(r"\]\((?!http)([^)]+)\)", page.read_text(encoding="utf-8"))))
]
FOLDERS_WITH_MESSAGES = ("", "plumbing/", "brokers/", "launcher/")
DIFFERS = {"likes", "producer", "localhost"}  # in a message, these are values
READ = re.compile(r'_(?:text|port)\("(\w+)"(?:, "([^"]*)")?\)')
OF_CODESPACES = ("CODESPACE", "GITHUB_CODESPACES")  # a learner does not set these
INTERPOLATED = re.compile(r"\$\{(\w+):-([^}]*)\}")
NOT_OURS = {"uv sync", "The project is marked as unmanaged", "ModuleNotFoundError", "python producer.py"}


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("page", "target"), LINKS)
def test_links_lead_somewhere(page, target):
    file, _, anchor = target.partition("#")
    there = (ROOT / page).parent / file if file else ROOT / page
    assert there.exists()
    assert not anchor or anchor in anchors(there)


def test_the_readme_links_every_page():
    text = README.read_text(encoding="utf-8")
    assert all(f"(docs/{page.name})" in text for page in ROOT.glob("docs/*.md"))


def words(text: str) -> str:
    """Its words, without paths, numbers and other values."""
    text = re.sub(r"\S*/\S*|%\w", " ", text)
    return " ".join(word for word in re.findall(r"[A-Za-z]\w*", text) if word not in DIFFERS).lower()


@cache
def messages() -> list[str]:
    """The words of every text in the code; of an f-string, those outside its braces."""
    found = []
    for source in (file for folder in FOLDERS_WITH_MESSAGES for file in ROOT.glob(f"{folder}*.py")):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            found.append(words(" ".join(str(part.value) for part in parts if isinstance(part, ast.Constant))))
    return found


def symptoms() -> set[str]:
    """What stands in backticks in the first column of the tables."""
    tables = README.read_text(encoding="utf-8").split("## When something is wrong")[1]
    tables += TROUBLESHOOTING.read_text(encoding="utf-8")
    cells = re.findall(r"^\| (.*?`.*?) \|", tables, re.MULTILINE)
    return {symptom for cell in cells for symptom in re.findall(r"`([^`]+)`", cell)} - NOT_OURS


def test_a_line_for_windows_works_in_cmd_and_in_powershell():
    sources = [
        *PAGES,
        *(file for folder in ("page", "launcher", "brokers", "plumbing") for file in ROOT.glob(f"{folder}/*.py")),
    ]
    for file in [*sources, *ROOT.glob("*.bat"), ROOT / "consumer.py"]:
        text = re.sub(r"(?m)^rem .*$", "", file.read_text(encoding="utf-8"))
        assert not re.search(r"(?<!cmd /c )rmdir /", text), file.name
        assert not re.search(r"""(?<!cmd /[ck] ")set [A-Z_]+=\S+ &&""", text), file.name


@pytest.mark.parametrize("symptom", sorted(symptoms()))
def test_a_listed_symptom_is_what_a_program_prints(symptom):
    shown = words(symptom)
    assert shown
    assert any(shown in message for message in messages())


def settings_of_the_code() -> dict[str, set[str]]:
    """Variable -> the defaults that the code gives it, without the empty one."""
    found = READ.findall((ROOT / "settings.py").read_text(encoding="utf-8"))
    found = [(name, default) for name, default in found if not name.startswith(OF_CODESPACES)]
    found += INTERPOLATED.findall((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return {name: {default for other, default in found if other == name and default} for name, _ in found}


def settings_of_the_table() -> dict[str, set[str]]:
    section = README.read_text(encoding="utf-8").split("## Settings")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (?:`([^`]*)`)? ?\|", section, re.MULTILINE)
    return {name: {default} - {""} for names, default in rows for name in re.findall(r"\w+", names)}


def test_the_table_of_settings_is_what_the_code_reads():
    table = settings_of_the_table()
    assert len(table) > 5
    # Defaults that are not a text in settings.py.
    described = {"KAFKA_BOOTSTRAP_SERVERS": {settings.DEFAULT_BOOTSTRAP_SERVERS}, "M2_REPO": {"~/.m2/repository"}}
    assert table == settings_of_the_code() | described


def test_only_settings_py_reads_the_environment():
    folders = ("", "plumbing/", "page/", "brokers/", "launcher/", "labs/**/", "bench/**/")
    sources = {source for folder in folders for source in ROOT.glob(f"{folder}*.py")} - {ROOT / "settings.py"}
    assert len(sources) > 50
    for source in sources:
        # {**os.environ, ...} passes all of it on to a program that is started.
        text = source.read_text(encoding="utf-8").replace("**os.environ", "")
        assert not re.search(r"getenv|os\.environ", text), source


def test_the_readme_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 265
