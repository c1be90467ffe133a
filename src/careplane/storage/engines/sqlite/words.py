"""Writing the index of full-text search (table `words`, FTS5), in the writer's transaction.

What stands there of a resource is known by a digest: a resource may come without its words, where
full-text search was off when it was written.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from careplane.search.rows import NARRATIVE, OTHER, Rows
from careplane.storage.engines.sqlite.bulk import execute_many

if TYPE_CHECKING:
    from sqlite3 import Connection

_Texts = tuple[str, str]
"""Narrative, and what else there is."""
_NONE: _Texts = ("", "")
_AMONG = "WHERE rowid IN (SELECT value FROM json_each(?))"
COLUMNS = {NARRATIVE: "narrative", OTHER: "other"}


class Words:
    """What is written next."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._new: dict[int, _Texts] = {}
        self._again: dict[int, _Texts] = {}

    def put(self, rid: int, rows: Rows, old: Rows, *, first: bool) -> None:
        """A version was written, the `first` of its record or not."""
        if rows.words and first:
            self._new[rid] = _texts(rows)
        elif rows.words or old.words:
            self._again[rid] = _texts(rows)

    def replace(self, rid: int, rows: Rows) -> bool:
        """Other words for the version that is there; whether they differ. At once."""
        if not rows.words:
            return False
        return bool(self._replaced({rid: _texts(rows)}))

    def flush(self) -> None:
        """Bring all to the table."""
        if self._again:
            self._replaced(self._again)
            self._again = {}
        if self._new:
            self._add(self._new)
            self._new = {}

    def erase(self, rids: list[int]) -> None:
        """Leave nothing of these. FTS5 itself only marks what is deleted, until it merges."""
        if self._digests(rids):
            self._delete(rids)
            self._connection.execute("INSERT INTO words (words) VALUES ('optimize')")

    def _replaced(self, texts: dict[int, _Texts]) -> list[int]:
        digests = self._digests(list(texts))
        changed = [rid for rid, text in texts.items() if digests.get(rid) != _digest(text)]
        self._delete([rid for rid in changed if rid in digests])
        self._add({rid: texts[rid] for rid in changed})
        return changed

    def _add(self, texts: dict[int, _Texts]) -> None:
        rows = [(rid, *text, _digest(text)) for rid, text in texts.items() if text != _NONE]
        head = "INSERT INTO words (rowid, narrative, other, digest)"
        execute_many(self._connection, head, rows)

    def _delete(self, rids: list[int]) -> None:
        if rids:
            self._connection.execute(f"DELETE FROM words {_AMONG}", (json.dumps(rids),))

    def _digests(self, rids: list[int]) -> dict[int, bytes]:
        sql = f"SELECT rowid, digest FROM words {_AMONG}"
        return dict(self._connection.execute(sql, (json.dumps(rids),)).fetchall())


def _texts(rows: Rows) -> _Texts:
    found = {row.param: row.words for row in rows.words}
    return found.get(NARRATIVE, ""), found.get(OTHER, "")


def _digest(texts: _Texts) -> bytes | None:
    if texts == _NONE:
        return None
    return hashlib.blake2b("\n".join(texts).encode(), digest_size=8).digest()
