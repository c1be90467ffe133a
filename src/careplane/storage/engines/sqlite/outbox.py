"""Audit records that wait for the audit file in a table `outbox` of another file: those of units of
work, which become durable with the unit, and those of an inbox as folders of before decision 0055
have them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from careplane.storage.engines.sqlite.runs import Row, Run, runs_of

if TYPE_CHECKING:
    from sqlite3 import Connection

RECORDS_FILE = 0
"""The number of the records file among the sources of the trail; others are those of places."""
_NEXT = "SELECT id, tenant, record FROM outbox WHERE id > ? ORDER BY id LIMIT ?"
_LAST = "SELECT coalesce(max(id), 0) FROM outbox"
_TRIMMED_FROM = 1_000


class Source(Protocol):
    """Where records wait, under numbers that grow by one."""

    def rows(self, after: int, count: int) -> Sequence[Row]:
        """The next ones behind a number; fewer than `count` where there are no more."""

    def runs(self, after: int, count: int) -> Sequence[Run]:
        """The same together: so many records, or some more."""

    def waiting(self, after: int) -> int:
        """How many there are behind a number."""

    def trim(self, moved: int, *, ended: bool) -> None:
        """What is not above `moved` may go. `ended`: nobody will append any more."""


class Outbox:
    """A Source, from an open connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def rows(self, after: int, count: int) -> Sequence[Row]:
        return self.connection.execute(_NEXT, (after, count)).fetchall()

    def runs(self, after: int, count: int) -> Sequence[Run]:
        return runs_of(self.rows(after, count))

    def waiting(self, after: int) -> int:
        return max(0, int(self.connection.execute(_LAST).fetchone()[0]) - after)

    def trim(self, moved: int, *, ended: bool) -> None:
        lowest = self.connection.execute("SELECT min(id) FROM outbox").fetchone()[0]
        if lowest is not None and moved - lowest + 1 >= (1 if ended else _TRIMMED_FROM):
            self.connection.execute("DELETE FROM outbox WHERE id <= ?", (moved,))

    def never_behind(self, moved: int) -> None:
        """Where an older outbox was put beside a newer audit file (a backup), its next number is
        beyond what was moved: else its records would pass for known."""
        sql = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'outbox'"
        if self.connection.execute(sql).fetchone()[0] < moved:
            self.connection.execute("DELETE FROM sqlite_sequence WHERE name = 'outbox'")
            self.connection.execute("INSERT INTO sqlite_sequence VALUES ('outbox', ?)", (moved,))


def inboxes(folder: Path) -> dict[int, Path]:
    """Files of before decision 0055, by the number of their place; the first to open the folder
    empties and removes them."""
    found = {int(path.stem.split("-")[1]): path for path in folder.glob("inbox-*.sqlite")}
    return dict(sorted(found.items()))
