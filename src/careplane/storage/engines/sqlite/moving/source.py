"""A data folder that is read and kept from being written to: SQLite's own write lock is held on
each of its files, and nothing is written."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

from careplane.kernel.errors import Busy, Fault, NotFound
from careplane.storage.engines.sqlite.connection import connect, key_for
from careplane.storage.engines.sqlite.faults import complaints
from careplane.storage.engines.sqlite.keys import SqliteKeys
from careplane.storage.engines.sqlite.migrate import OLDER, require_newest
from careplane.storage.engines.sqlite.moving.marker import require_whole
from careplane.storage.engines.sqlite.moving.reading import Files, Reading, in_thread
from careplane.storage.engines.sqlite.outbox import inboxes
from careplane.storage.engines.sqlite.place import all_taken
from careplane.storage.engines.sqlite.spool import Spooled, segments
from careplane.storage.engines.sqlite.state import STATE
from careplane.storage.engines.sqlite.store import RECORDS
from careplane.storage.engines.sqlite.trail import AUDIT
from careplane.storage.engines.sqlite.writing import meeting

if TYPE_CHECKING:
    from sqlite3 import Connection

_CACHE_KIB = 8_192
_LOOKS, _BETWEEN_SECONDS = 10, 0.1
_BUSY_MILLISECONDS = 2_000
"""Longer than a commit takes, and shorter than those who write wait for each other."""


_RUNNING = "A server, an import or a command is running on {}: stop it, and try again"


class SqliteSource(Reading):
    """Raises NotFound where there are no records, Busy where somebody writes to them."""

    def __init__(self, folder: Path, key: bytes) -> None:
        require_whole(folder)
        for name in (RECORDS, AUDIT, STATE):
            if not (folder / name).exists():
                raise NotFound(f"{folder} holds no {name}: there is nothing to move.")
        _require_rest(folder)
        if inboxes(folder):
            raise Fault(OLDER)
        self._key = key
        spooled = key_for("audit", key)
        with ExitStack() as opened, complaints():
            lock = all_taken(folder)
            if lock is None:
                raise Busy(_RUNNING.format(folder))
            opened.callback(os.close, lock)
            found = Files(
                self._open(opened, folder / RECORDS, "records", "records"),
                self._open(opened, folder / AUDIT, "audit", "audit"),
                self._open(opened, folder / STATE, "state", "state"),
                {place: Spooled(folder, place, spooled) for place in segments(folder)},
            )
            keys = SqliteKeys(folder, key, plain=True)
            opened.callback(keys.close)
            super().__init__(found, keys)
            self._opened = opened.pop_all()

    async def close(self) -> None:
        await in_thread(self._opened.close)

    def _open(self, opened: ExitStack, path: Path, purpose: str, schema: str) -> Connection:
        connection = connect(path, key_for(purpose, self._key), cache_kib=_CACHE_KIB)
        opened.enter_context(closing(connection))
        require_newest(connection, schema)
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("PRAGMA query_only = 1")
        return connection


def _require_rest(folder: Path) -> None:
    """A writer whose last client has just gone may be about to end."""
    for _ in range(_LOOKS):
        if not meeting.is_met(folder):
            return
        time.sleep(_BETWEEN_SECONDS)
    raise Busy(_RUNNING.format(folder))
