"""Brings a file to the newest schema: numbered SQL files, each applied once, under SQLite's lock.

`PRAGMA user_version` is the number of the last one applied.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from careplane.kernel.errors import Fault
from careplane.storage.engines.sqlite.faults import complaints

if TYPE_CHECKING:
    from sqlite3 import Connection


OLDER = (
    "The data folder was written by another version of Careplane: open it once with this one "
    "(careplane doctor)"
)


def migrate(connection: Connection, schema: str) -> None:
    """Apply what is missing of `storage/sql/sqlite/<schema>/NNNN_*.sql`."""
    steps = _steps(schema)
    with complaints():
        if _version(connection) == len(steps):
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            _apply(connection, steps)
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


def require_newest(connection: Connection, schema: str) -> None:
    """Raises Fault where something is missing, or newer."""
    if _version(connection) != len(_steps(schema)):
        raise Fault(OLDER)


def made(path: Path, open_file: Callable[[Path], Connection], schema: str) -> Connection:
    """A file that is there, for its owner alone, with the newest schema."""
    with complaints():
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = open_file(path)
    migrate(connection, schema)
    return connection


def _apply(connection: Connection, steps: list[str]) -> None:
    done = _version(connection)
    if done > len(steps):
        raise Fault("The data folder was written by a newer Careplane: update this one")
    for number, script in enumerate(steps[done:], done + 1):
        for statement in _statements(script):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")


def _version(connection: Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _steps(schema: str) -> list[str]:
    folder = files("careplane.storage") / "sql" / "sqlite" / schema
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [file.read_text() for file in found]


def _statements(script: str) -> list[str]:
    lines = (line.partition("--")[0] for line in script.splitlines())
    return [text for text in "\n".join(lines).split(";") if text.strip()]
