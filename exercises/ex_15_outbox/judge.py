"""Judges exercise 15: what is marked as sent has arrived."""

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator

from confluent_kafka import Message

from exercises.database import BUSY_SECONDS, Database
from exercises.referee import COMMIT_SECONDS, QUIET_SECONDS, Program, Trial, some
from labs.checks import Goal
from plumbing.waiting import wait_until

ROWS = 30  # written before each fault
TRIES = 5  # on a busy computer, the refusal may be there before a program that does not wait for it looks
KEYS = ("ann", "ben", "cem", "dia", "eve")
TABLE = "CREATE TABLE outbox (id INTEGER PRIMARY KEY, key TEXT, value TEXT, sent INTEGER)"


def goals(trial: Trial) -> Iterator[Goal]:
    trial.joins_a_group = False
    topic = trial.topic()
    box = Outbox(trial, topic)
    start = lambda: trial.start(TOPIC=topic, DATABASE=str(box.database.file))  # noqa: E731
    box.write(ROWS)
    program = start()
    trial.wait(program, box.arrived, "the first order in the topic")
    yield trial.goal(True, "the first order is in the topic")
    trial.look("all orders arrive, and are marked", "produce() each row with sent = 0, flush(), mark, commit")
    box.settle(program)
    yield box.goal()
    if box.missing():
        return

    trial.look("each has the id of its row in a header", 'headers={"id": str(number)}')
    yield trial.goal(*box.headers())

    trial.look("the broker refuses all: no row is marked", "look at the error in the delivery report")
    trial.refuse(topic)
    box.write(ROWS)
    for _ in range(TRIES):
        early = box.wait_for_a_mark(program, QUIET_SECONDS / 2)
        if early or program.running:
            break
        program = start()
    why = f"marked, but not in the topic: rows {some(early)}" if early else "no row is marked"
    yield trial.goal(not early, why)
    box.told |= early

    trial.look("after kill -9, once the broker accepts them, they arrive, too", "what is not confirmed is sent again")
    program.kill()
    trial.accept(topic)
    program = start()
    box.settle(program)
    yield box.goal()
    trial.insist_on_running(program)

    trial.look("the database is locked, then kill -9: nothing is lost", "first Kafka, then the mark")
    box.write(ROWS)
    box.database.lock()
    box.wait_for_a_mark(program, COMMIT_SECONDS)
    time.sleep(COMMIT_SECONDS)
    program.kill()
    box.database.unlock()
    program = start()
    box.settle(program)
    yield box.goal()

    trial.look("the orders of each key are in order", "one after the other, and with the key of the row")
    mixed = box.mixed()
    yield trial.goal(not mixed, f"not those of {some(mixed)}" if mixed else "for each key")


class Outbox:
    """The table, and what is in the topic."""

    def __init__(self, trial: Trial, topic: str):
        self._trial, self._topic = trial, topic
        self.database = Database(trial.folder / "shop.db")
        self.rows = 0
        self.told: set[int] = set()  # rows that a goal has already reported
        self._execute(TABLE)

    def write(self, number: int) -> None:
        new = range(self.rows + 1, self.rows + number + 1)
        rows = [(row, KEYS[row % 7 % 5], json.dumps({"order": row, "text": "two tickets"})) for row in new]
        self._execute("INSERT INTO outbox VALUES (?, ?, ?, 0)", rows)
        self.rows += number

    def _execute(self, statement: str, rows: list[tuple] | None = None) -> None:
        with contextlib.closing(sqlite3.connect(self.database.file, timeout=BUSY_SECONDS)) as connection, connection:
            connection.executemany(statement, rows) if rows else connection.execute(statement)

    def arrived(self) -> dict[int, Message]:
        """Row -> its first record in the topic."""
        found: dict[int, Message] = {}
        for record in self._trial.read(self._topic):
            with contextlib.suppress(ValueError, TypeError, KeyError):
                found.setdefault(json.loads(record.value())["order"], record)
        return found

    def marked(self) -> set[int]:
        return {row for (row,) in self.database.rows("SELECT id FROM outbox WHERE sent <> 0")}

    def marked_too_early(self) -> set[int]:
        """Rows that nobody will send any more, and that are not in the topic."""
        marked = self.marked()
        return marked - set(self.arrived()) - self.told

    def wait_for_a_mark(self, program: Program, seconds: float) -> set[int]:
        """Rows that are marked too early, within this time and until the program ends."""
        wait_until(lambda: self.marked_too_early() or not program.running, seconds)
        return self.marked_too_early()

    def missing(self) -> set[int]:
        return set(range(1, self.rows + 1)) - set(self.arrived()) - self.told

    def settle(self, program: Program) -> None:
        """Until all rows are marked and have arrived, or nothing changes any more."""
        is_right = lambda: not self.missing() and len(self.marked()) == self.rows  # noqa: E731
        self._trial.settle(is_right, lambda: (len(self.arrived()), len(self.marked())), program)

    def goal(self) -> Goal:
        missing, unmarked = self.missing(), self.rows - len(self.marked())
        self.told |= missing
        why = f"{len(self.arrived())} of {self.rows} have arrived"
        why += f"; missing: rows {some(missing)}" if missing else ""
        why += f"; {unmarked} are not marked" if unmarked else ""
        return self._trial.goal(not missing and not unmarked, why)

    def headers(self) -> tuple[bool, str]:
        """True if each record names its row in the header `id`; and what is wrong with the first that does not."""
        for row, record in sorted(self.arrived().items()):
            value = dict(record.headers() or []).get("id", b"")
            if value != str(row).encode():
                return False, f"row {row} has {value.decode(errors='replace')!r}"
        return True, "each has it"

    def mixed(self) -> list[str]:
        """The keys whose rows are not in one partition and in order."""
        places: dict[bytes | None, list[tuple]] = {}
        for _, record in sorted(self.arrived().items()):
            places.setdefault(record.key(), []).append((record.partition(), record.offset()))
        split = [key for key, found in places.items() if len({partition for partition, _ in found}) > 1]
        late = [key for key, found in places.items() if found != sorted(found)]
        foreign = [key for key in places if key is None or key.decode() not in KEYS]
        return [str(key)[1:] for key in {*split, *late, *foreign}]
