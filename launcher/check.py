"""`python run.py check [N]`: what you have achieved in the labs, what is missing, and why."""

from confluent_kafka import KafkaException

from exercises import exercises, mine
from labs import checks, secured
from labs.checks import Goal
from labs.evidence import Evidence
from launcher import exercise, terminal
from plumbing import Problem
from plumbing.kafka import Misdirected, broker_problem
from settings import BOOTSTRAP_SERVERS


def main(lab: str | None = None) -> int:
    """Print the goals of one lab or, without a number, the progress in all. Returns 0 if everything is reached. Raises
    `Problem`."""
    known = list(checks.pages())
    if lab is not None and lab not in map(str, known):
        raise Problem(f"there is no lab {lab}", f"python run.py check 1   ({known[0]} to {known[-1]})")
    secured.act_as("admin")
    if isinstance(problem := broker_problem(BOOTSTRAP_SERVERS), Misdirected):
        raise problem
    seen = Evidence()
    try:
        if lab:
            return _print_goals(int(lab), list(checks.goals(int(lab), seen)))
        return _print_progress({number: list(checks.goals(number, seen)) for number in known})
    except KafkaException as error:
        what = f"{BOOTSTRAP_SERVERS} does not answer: {error.args[0].str()}"
        raise Problem(what, "python run.py in another terminal, then try again") from error


def _print_goals(number: int, goals: list[Goal]) -> int:
    terminal.write(f"Lab {number}: {checks.title(number)}")
    for goal in goals:
        exercise.show(goal)
    reached = sum(goal.reached for goal in goals)
    terminal.write(f"{reached} of {len(goals)} reached")
    return 0 if reached == len(goals) else 1


def _print_progress(labs: dict[int, list[Goal]]) -> int:
    open_labs = []
    for number, goals in labs.items():
        reached = sum(goal.reached for goal in goals)
        if reached < len(goals):
            open_labs.append(number)
        state = "done" if reached == len(goals) else f"{reached} of {len(goals)}"
        terminal.write(f"  {number:>2}  {checks.title(number):<50} {state}")
    terminal.write(f"      exercises {len(mine.done())} of {len(exercises())}   (python run.py exercise)")
    if open_labs:
        terminal.write(f"  -> python run.py check {open_labs[0]}   (what is missing there)")
    return 1 if open_labs else 0
