"""Judges exercise 9: likes counted in a database, each once."""

import time
from collections import Counter
from collections.abc import Iterator
from itertools import count

from exercises.database import Database
from exercises.referee import COMMIT_SECONDS, Program, Trial
from labs.checks import Goal
from plumbing.waiting import wait_until

PEOPLE = ("ann", "ben", "cem", "dia")
LIKES = 60  # written before each round
ROWS = 20  # that the program has counted when the judge locks the table
BACK = 4  # records of each partition that Kafka delivers a second time
REFUSED_SECONDS = 2.5  # that a program gets to end because of a full disk


def goals(trial: Trial) -> Iterator[Goal]:
    topic = trial.topic()
    likes = ({"order": order, "person": PEOPLE[order % 7 % 4]} for order in count(1))
    more = lambda: trial.write(topic, [next(likes) for _ in range(LIKES)])  # noqa: E731
    database = Database(trial.folder / "likes.db")
    table = Counts(trial, topic, database)
    start = lambda: trial.start(TOPIC=topic, DATABASE=str(database.file))  # noqa: E731

    more()
    program = start()
    trial.wait(program, lambda: counts(database).total() >= ROWS, lambda: _no_rows(database))
    yield trial.goal(True, "the table likes has rows")

    trial.look("the database is locked, then kill -9: nothing is lost", "first the database, then Kafka")
    database.lock()
    more()
    early = wait_until(lambda: _ahead(trial, topic, database), COMMIT_SECONDS, 0.05)
    program.kill()
    database.unlock()
    why = f"committed in Kafka, but not in the table: {_told(early)}" if early else "Kafka was never ahead of the table"
    yield trial.goal(not early, why)

    trial.look(f"{BACK} records of each partition come again", "remember in the database what it has counted")
    trial.next_round(topic, back=BACK)
    table.finish(program := start())
    program.kill()
    yield table.goal()

    for name in database.tables():
        following = "both writes in one transaction, and no commit in Kafka after one that failed"
        trial.look(f"the disk is full for the table {name}, then kill -9", following)
        database.refuse(name)
        trial.next_round(topic)
        more()
        program = start()
        wait_until(lambda: not program.running, REFUSED_SECONDS)  # noqa: B023
        program.kill()
        database.accept()
        trial.next_round(topic)
        table.finish(program := start())
        program.kill()
        yield table.goal()

    trial.look("another producer's likes, with the same orders", "identify a record by its partition and offset")
    trial.write(topic, [{"order": order, "person": PEOPLE[order % 3]} for order in range(1, 31)])
    trial.next_round(topic)
    table.finish(program := start())
    program.interrupt()
    yield table.goal()


def counts(database: Database) -> Counter:
    """Person -> likes in the table."""
    rows = database.rows("SELECT person, count FROM likes")
    return Counter({person: number for person, number in rows if isinstance(number, int)})


def _no_rows(database: Database) -> str:
    tables = ", ".join(database.tables()) or "none"
    return f"{ROWS} likes in the table likes (tables that are there: {tables}; does it call db.commit()?)"


def _ahead(trial: Trial, topic: str, database: Database) -> Counter:
    """Likes that Kafka would not deliver again, and that are not in the table."""
    return Counter(event["person"] for event in trial.passed(topic)) - counts(database)


def _told(people: Counter) -> str:
    return ", ".join(f"{number} of {person}" for person, number in sorted(people.items()))


class Counts:
    """The table against the log. What one fault has spoilt does not count against the program at the next one."""

    def __init__(self, trial: Trial, topic: str, database: Database):
        self._trial, self._topic, self._database = trial, topic, database
        self._spoilt: Counter = Counter()  # person -> too many, or if negative too few

    def wrong(self) -> Counter:
        """Person -> too many, or if negative too few, by what has happened since the last goal."""
        due = Counter(event["person"] for events in self._trial.topics[self._topic] for event in events)
        due.update(self._spoilt)
        found = counts(self._database)
        return Counter({person: found[person] - due[person] for person in PEOPLE if found[person] != due[person]})

    def finish(self, program: Program) -> None:
        """Until the table is right, or nothing changes any more. Raises `Stuck` if the program ends."""
        self._trial.settle(lambda: not self.wrong(), lambda: counts(self._database), program, topic=self._topic)
        self._trial.insist_on_running(program)
        time.sleep(0.1)  # what would be counted twice comes now

    def goal(self) -> Goal:
        wrong = self.wrong()
        self._spoilt.update(wrong)
        missing, extra = -wrong, +wrong
        why = f"{counts(self._database).total()} counted"
        why += f"; missing: {_told(missing)}" if missing else ""
        why += f"; too many: {_told(extra)}" if extra else ""
        return self._trial.goal(not wrong, why)
