"""Two terminals, two languages: the commands of a session, and those of a shell. Standard library only."""

from collections.abc import Collection

from labs import prompt

SHELL = ("py", "pip", "pip3", "streamlit", "curl", "docker", "git", "cd", "ls", "dir", "set", "export", "run.py")


def is_for_a_session(arguments: list[str]) -> bool:
    """True if what follows `python run.py` belongs alone into the terminal where run.py runs."""
    if not arguments:
        return False
    first, *others = arguments
    if first == "start":  # in a shell, it takes no program name
        return bool(others) and not others[0].startswith("-")
    return first in prompt.COMMANDS or first in prompt.ALIASES


def without_run_py(line: str) -> str:
    """`like 3` for `python run.py like 3`; empty unless it calls run.py with a session command."""
    words = line.split()
    for following, word in enumerate(words[:2], start=1):
        if _name(word) == "run.py" and is_for_a_session(words[following:]):
            return " ".join(words[following:])
    return ""


def for_a_shell(line: str, run_py: Collection[str]) -> str:
    """What to type in a shell if this line belongs there, else empty; `run_py` has the names of run.py's commands."""
    first = line.split()[0]
    if first in run_py or first.replace("\\", "/").startswith("labs/"):
        return f"python run.py {line}"
    return line if _name(first) in SHELL or _name(first).startswith("python") else ""


def _name(word: str) -> str:
    return word.replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
