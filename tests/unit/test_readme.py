"""What the README says of the settings and the files is what the code does. Its commands are run by
tests/end_to_end/test_readme.py."""

import re

from tests.programs import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
READ = re.compile(r'os\.environ\.get\("(\w+)"(?:, "([^"]*)")?\)')
INTERPOLATED = re.compile(r"\$\{(\w+):-([^}]*)\}")


def settings_of_the_code() -> dict[str, set[str]]:
    """Variable -> the defaults that the code gives it, without the empty one."""
    sources = [*ROOT.glob("*.py"), *ROOT.glob("brokers/*.py"), *ROOT.glob("launcher/*.py")]
    found = [match.groups() for source in sources for match in READ.finditer(source.read_text(encoding="utf-8"))]
    found += INTERPOLATED.findall((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return {name: {default for other, default in found if other == name and default} for name, _ in found}


def settings_of_the_table() -> dict[str, set[str]]:
    section = README.split("## Settings")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (?:`([^`]*)`)? ?\|", section, re.MULTILINE)
    return {name: {default} - {""} for names, default in rows for name in re.findall(r"\w+", names)}


def test_the_table_of_settings_is_what_the_code_reads():
    table = settings_of_the_table()
    assert len(table) > 5
    assert table == settings_of_the_code() | {"M2_REPO": table["M2_REPO"]}  # its default is a path in the code
    assert table["M2_REPO"] == {"~/.m2/repository"}


def test_every_other_way_to_read_the_environment_is_in_the_table_too():
    sources = [*ROOT.glob("*.py"), *ROOT.glob("brokers/*.py"), *ROOT.glob("launcher/*.py")]
    for source in sources:
        text = source.read_text(encoding="utf-8")
        assert not re.search(r"getenv|environ\[", text), source
        assert text.count("environ.get(") == len(READ.findall(text)), source


def test_ci_runs_the_test_command_of_the_readme():
    assert "python run.py test" in README
    assert "run.py test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 250
