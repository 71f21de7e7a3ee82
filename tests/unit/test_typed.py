"""What is typed into the wrong terminal: a session's commands into a shell, and the other way round."""

import pytest

from launcher import cli
from plumbing import Problem
from tests.unit.test_launcher import idle_session

__all__ = ["idle_session"]


TYPED = ["like 3", "like", "status", "quit", "help", "kill 1", "stop 1", "start 4", "start producer", "stop"]


@pytest.mark.parametrize("typed", TYPED)
def test_a_command_of_a_session_is_sent_to_its_terminal(typed):
    """`start` alone is a command of the shell as well, and `stop` alone means to end the session."""
    with pytest.raises(Problem) as refused:
        cli.parse(typed.split())
    assert str(refused.value) == f"{typed.split()[0]} is a command for the terminal where run.py runs"
    meant = "quit" if typed == "stop" else typed
    assert refused.value.hint == f"type there: {meant}   (python run.py starts it)"


FOR_A_SHELL = [
    ("check 1", "python run.py check 1"),
    ("doctor", "python run.py doctor"),
    ("kafka-topics --list", "python run.py kafka-topics --list"),
    ("labs/click.py --count 3", "python run.py labs/click.py --count 3"),
    ("python run.py check 1", "python run.py check 1"),
    (".venv/bin/python producer.py", ".venv/bin/python producer.py"),
    (".venv\\Scripts\\python.exe producer.py", ".venv\\Scripts\\python.exe producer.py"),
    ("python3.12 run.py doctor", "python3.12 run.py doctor"),
    ("curl http://localhost:5001/health", "curl http://localhost:5001/health"),
    ("docker ps", "docker ps"),
]


@pytest.mark.parametrize(("typed", "meant"), FOR_A_SHELL)
def test_a_command_of_the_shell_is_sent_to_a_second_terminal(idle_session, capsys, typed, meant):
    assert idle_session.obey(f"{typed}\n")
    what, hint = capsys.readouterr().out.splitlines()
    assert what == f"this terminal takes the commands of run.py (help lists them), and {typed.split()[0]} is not one"
    assert hint == f"  -> in a second terminal, in this folder: {meant}"


@pytest.mark.parametrize("python", ["python run.py", "./run.py", ".venv\\Scripts\\python.exe run.py"])
def test_a_command_of_the_session_needs_no_python_there(idle_session, capsys, python):
    assert idle_session.obey(f"{python} like 3\n")
    assert "-> type only: like 3\n" in capsys.readouterr().out
