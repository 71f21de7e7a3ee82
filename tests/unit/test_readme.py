"""What the README says of the settings and the files is what the code does. Its commands are run by
tests/end_to_end/test_readme.py."""

import re

import settings
from settings import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
READ = re.compile(r'_(?:text|port)\("(\w+)"(?:, "([^"]*)")?\)')
OF_CODESPACES = ("CODESPACE", "GITHUB_CODESPACES")  # a learner does not set these
INTERPOLATED = re.compile(r"\$\{(\w+):-([^}]*)\}")


def settings_of_the_code() -> dict[str, set[str]]:
    """Variable -> the defaults that the code gives it, without the empty one."""
    found = READ.findall((ROOT / "settings.py").read_text(encoding="utf-8"))
    found = [(name, default) for name, default in found if not name.startswith(OF_CODESPACES)]
    found += INTERPOLATED.findall((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return {name: {default for other, default in found if other == name and default} for name, _ in found}


def settings_of_the_table() -> dict[str, set[str]]:
    section = README.split("## Settings")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (?:`([^`]*)`)? ?\|", section, re.MULTILINE)
    return {name: {default} - {""} for names, default in rows for name in re.findall(r"\w+", names)}


def test_the_table_of_settings_is_what_the_code_reads():
    table = settings_of_the_table()
    assert len(table) > 5
    described = {  # defaults that are not a text in settings.py
        "KAFKA_BOOTSTRAP_SERVERS": {settings.DEFAULT_BOOTSTRAP_SERVERS},
        "M2_REPO": {"~/.m2/repository"},
    }
    assert table == settings_of_the_code() | described


def test_only_settings_py_reads_the_environment():
    folders = ("", "plumbing/", "page/", "brokers/", "launcher/", "labs/**/", "bench/**/")
    sources = {source for folder in folders for source in ROOT.glob(f"{folder}*.py")} - {ROOT / "settings.py"}
    assert len(sources) > 50
    for source in sources:
        # {**os.environ, ...} passes all of it on to a program that is started.
        text = source.read_text(encoding="utf-8").replace("**os.environ", "")
        assert not re.search(r"getenv|os\.environ", text), source


def test_ci_runs_the_test_command_of_the_readme():
    assert "python run.py test" in README
    assert "run.py test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 265
