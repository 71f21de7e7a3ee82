"""The SQLite file of the learner's program, from the outside."""

import contextlib
import sqlite3
from pathlib import Path

VERBS = ("INSERT", "UPDATE")
BUSY_SECONDS = 5.0


class Database:
    """The SQLite file of the program, from the outside."""

    def __init__(self, file: Path):
        self.file = file
        self._lock: sqlite3.Connection | None = None

    def rows(self, query: str) -> list[tuple]:
        """Nothing as long as there is no such table."""
        if not self.file.exists():
            return []
        connection = self._lock or sqlite3.connect(self.file, timeout=BUSY_SECONDS)
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []
        finally:
            if connection is not self._lock:
                connection.close()

    def lock(self) -> None:
        """From now on nobody else can commit: because of a long read, as of a report or a backup. (A write would stop
        the INSERT already.) With WAL, where a read stops nobody, because of a write, unless the program has begun one:
        then what it has not committed is lost with it."""
        self._lock = sqlite3.connect(self.file, timeout=BUSY_SECONDS, isolation_level=None)
        [(mode,)] = self._lock.execute("PRAGMA journal_mode")
        with contextlib.suppress(sqlite3.OperationalError):
            self._lock.execute("BEGIN IMMEDIATE" if mode == "wal" else "BEGIN")
        self._lock.execute("SELECT * FROM sqlite_master").fetchall()

    def unlock(self) -> None:
        lock, self._lock = self._lock, None
        if lock:
            lock.rollback()
            lock.close()

    def tables(self) -> list[str]:
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        return [name for (name,) in self.rows(query)]

    def refuse(self, table: str) -> None:
        """From now on this table takes no rows: the disk is full."""
        refusal = "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        self._execute(*(f'CREATE TRIGGER "judge {verb}" BEFORE {verb} ON "{table}" {refusal}' for verb in VERBS))

    def accept(self) -> None:
        self._execute(*(f'DROP TRIGGER IF EXISTS "judge {verb}"' for verb in VERBS))

    def _execute(self, *statements: str) -> None:
        connection = sqlite3.connect(self.file, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            for statement in statements:
                connection.execute(statement)
        finally:
            connection.close()
