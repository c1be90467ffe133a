"""Takes records and superseded versions out of the file for good, in the writer's transaction.

The row of `resource` stays, as that of something that is referred to only: others remember its
number. Texts that nothing else has go too. What is deleted is overwritten (`secure_delete`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from careplane.kernel.errors import Stale
from careplane.search.rows import StringRow
from careplane.storage.engines.sqlite.bulk import execute_many
from careplane.storage.engines.sqlite.compact import compact
from careplane.storage.engines.sqlite.interner import Interner
from careplane.storage.engines.sqlite.known import Identity, Kind
from careplane.storage.engines.sqlite.layout import GROUP_BITS, TABLES, Layout, lay_out
from careplane.storage.engines.sqlite.words import Words
from careplane.storage.ports.records import Erased, Erasure, Superseded, Tenant

if TYPE_CHECKING:
    from sqlite3 import Connection

_FIND = (
    "SELECT rid, version, born, gone FROM resource WHERE tenant = ? AND type = ? AND fhir_id = ?"
)
_THOSE = "(SELECT value FROM json_each(?))"
_VERSIONS = (
    f"DELETE FROM version WHERE t IN (SELECT born FROM resource WHERE rid IN {_THOSE} UNION ALL "
    f"SELECT t FROM version WHERE rid IN {_THOSE} AND version > 1)"
)
_RESET = f"UPDATE resource SET version = 0, t = 0, born = 0, gone = 1 WHERE rid IN {_THOSE}"
_TALLY = "UPDATE tally SET n = n - ? WHERE tenant = ? AND type = ?"
_ONE = (
    "DELETE FROM version WHERE t = CASE ? WHEN 1 THEN ? ELSE "
    "(SELECT t FROM version WHERE rid = ? AND version = ? AND version > 1) END"
)
_NEWEST = (
    "UPDATE erasure SET n = n + 1, "
    "t = max(t, (SELECT coalesce(max(t), 0) FROM version)), "
    "updated = max(updated, coalesce((SELECT updated FROM version ORDER BY t DESC LIMIT 1), 0))"
)
_ORPHAN = "DELETE FROM term WHERE id = ? AND NOT EXISTS (SELECT 1 FROM wording WHERE term = ?)"
_PARTNER = "DELETE FROM term WHERE id = ? AND NOT EXISTS (SELECT 1 FROM term WHERE id = ?)"


class Eraser:
    """One erasure: `check` first, then `run`."""

    def __init__(self, connection: Connection, interner: Interner, tenant: Tenant) -> None:
        self._execute = connection.execute
        self._connection = connection
        self._interner = interner
        self._tenant = tenant

    def check(self, erasure: Erasure) -> None:
        """Raises Stale where a record is not as it was when this was asked for."""
        for one in erasure.records:
            if self._state(one.type, one.id)[1] != one.expect:
                raise Stale("Somebody else has changed a record in between")
        for old in erasure.versions:
            if self._state(old.type, old.id)[1] <= old.version:
                raise Stale("A current version is not removed from a history")

    def run(self, erasure: Erasure) -> list[Identity]:
        """Which records are gone."""
        self._execute("PRAGMA secure_delete = ON")
        self._execute(_NEWEST)
        for old in erasure.versions:
            self._version(old)
        gone = [self._identity(one.type, one.id) for one in erasure.records]
        self._records(erasure.records)
        self._execute("PRAGMA secure_delete = OFF")
        return gone

    def _records(self, records: Sequence[Erased]) -> None:
        """All of them together: a statement for each would take ten times as long."""
        states = [self._state(one.type, one.id) for one in records]
        layout, live = Layout(), Counter[tuple[int, int]]()
        for one, (rid, version, _, gone) in zip(records, states, strict=True):
            if version:
                lay_out(layout, one.rows, self._tenant, rid, self._interner)
                live[self._identity(one.type, one.id)[:2]] += 1 - gone
        for name, columns in TABLES.items():
            rows = list(dict.fromkeys(getattr(layout, name)))
            execute_many(self._connection, f"DELETE FROM {name} WHERE ({columns}) IN (", rows, ")")
        rids = [state[0] for state in states if state[1]]
        self._facts(rids)
        self._terms(layout, records)
        those = json.dumps(rids)
        self._execute(_VERSIONS, (those, those))
        self._execute(_RESET, (those,))
        self._connection.executemany(_TALLY, [(n, *key) for key, n in live.items()])
        Words(self._connection).erase(rids)

    def _facts(self, rids: Sequence[int]) -> None:
        """Those of the records, and of their groups."""
        self._execute(f"DELETE FROM fact WHERE rid IN {_THOSE}", (json.dumps(rids),))
        ends = [
            (-(rid << GROUP_BITS | (1 << GROUP_BITS) - 1), -(rid << GROUP_BITS)) for rid in rids
        ]
        self._connection.executemany("DELETE FROM fact WHERE rid BETWEEN ? AND ?", ends)

    def _terms(self, layout: Layout, records: Sequence[Erased]) -> None:
        """Texts that no other record has. One in a group of a composite parameter goes with the
        same text of the plain parameter, for `fact` is not searched by it."""
        ids = dict.fromkeys(entry[0] for entry in layout.wording)
        self._connection.executemany(_ORPHAN, [(id, id) for id in ids])
        for rows in (one.rows for one in records if one.rows.composites):
            plain = {(row.folded, row.text): self._term(row) for row in rows.strings}
            for group in rows.composites:
                for row in group.parts.strings:
                    partner = plain.get((row.folded, row.text))
                    if partner is not None:
                        self._execute(_PARTNER, (self._term(row), partner))

    def _term(self, row: StringRow) -> int:
        name = self._interner.names[Kind.STRING][row.param]
        return self._interner.term((self._tenant, name, row.folded, row.text))

    def _version(self, old: Superseded) -> None:
        rid, _, born, _ = self._state(old.type, old.id)
        self._execute(_ONE, (old.version, born, rid, old.version))

    def _identity(self, type: str, id: str) -> Identity:
        return (self._tenant, self._interner.names[Kind.TYPE][type], compact(id))

    def _state(self, type: str, id: str) -> Sequence[int]:
        found: Sequence[int] | None = self._execute(_FIND, self._identity(type, id)).fetchone()
        return found or (0, 0, 0, 1)
