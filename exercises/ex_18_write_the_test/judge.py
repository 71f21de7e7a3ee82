"""Judges exercise 18: a test that is green for what is right, and red for what is wrong."""

from collections.abc import Iterator

from exercises.referee import Program, Trial
from labs.checks import Goal

SEND, COMMIT = "        send(message.value())\n", "        consumer.commit(message, asynchronous=False)\n"
RIGHT = f'''"""Mails for likes."""

from confluent_kafka import KafkaException


def send_mails(consumer, send) -> None:
    """Send a mail for each message, until poll() returns none."""
    while (message := consumer.poll(1.0)) is not None:
        if message.error():
            raise KafkaException(message.error())
{SEND}{COMMIT}'''
FORGETS = RIGHT.replace(
    "    while (message := consumer.poll(1.0)) is not None:\n",
    "    following = consumer.poll(1.0)\n"
    "    while (message := following) is not None and (following := consumer.poll(1.0)) is not None:\n",
)
IN_THE_END = (
    "    last = None\n" + "    while" + RIGHT.partition("    while")[2].replace(COMMIT, "        last = message\n")
)
WRONG = {
    "it commits before it sends": (RIGHT.replace(SEND + COMMIT, COMMIT + SEND), "look at the order of the two calls"),
    "it forgets the last message": (FORGETS, "look for the mail of each message"),
    "it goes on after a mail that failed": (
        RIGHT.replace(SEND, f"        try:\n    {SEND}        except Exception:\n            pass\n"),
        "let `send` raise an exception, and look at what is committed",
    ),
    "it commits only once, in the end": (
        RIGHT.partition("    while")[0] + IN_THE_END + f"    if last:\n{COMMIT.replace('message', 'last')}",
        "look for the commit of each message, before the next mail",
    ),
}
SECONDS = 10.0


def goals(trial: Trial) -> Iterator[Goal]:
    trial.look("green for send_mails as it is", "run it: what does the test expect that is not so?")
    program, code = _tried_on(trial, RIGHT, 0)
    yield trial.goal(code == 0, "exit code 0" if code == 0 else f"exit code {code}: {_told(program)}")
    if code:
        return
    trial.look("it has tests", "unittest.main() runs the methods test_... of a TestCase")
    ran = any(line.startswith("Ran ") and not line.startswith("Ran 0") for line in program.lines)
    yield trial.goal(ran, next((line for line in program.lines if line.startswith("Ran ")), "unittest has not run"))
    for number, (what, (source, following)) in enumerate(WRONG.items(), 1):
        trial.look(f"red if {what}", following)
        program, code = _tried_on(trial, source, number)
        yield trial.goal(code != 0, f"red: {_told(program)}" if code else "still green")


def _tried_on(trial: Trial, source: str, number: int) -> tuple[Program, int]:
    """The test, on this mailer.py."""
    folder = trial.folder / f"program-{number}"
    folder.mkdir()
    (folder / "mailer.py").write_text(source, encoding="utf-8")
    return trial.run(SECONDS, PROGRAM=str(folder))


def _told(program: Program) -> str:
    """The line that says which assertion failed, or the last one."""
    found = [line for line in program.lines if "Error: " in line]
    return found[0] if found else program.last_words
