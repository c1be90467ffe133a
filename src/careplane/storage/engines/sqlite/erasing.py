"""Takes records and superseded versions out of the file for good, in the writer's transaction.

The row of `resource` stays, as that of something that is referred to only: others remember its
number. Texts that nothing else has go too. What is deleted is overwritten (`secure_delete`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from careplane.kernel.errors import Stale
from careplane.search.rows import Rows, StringRow
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
_VERSIONS = (
    "DELETE FROM version WHERE t IN (SELECT born FROM resource WHERE rid = ? UNION ALL "
    "SELECT t FROM version WHERE rid = ? AND version > 1)"
)
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
        rids = [self._state(one.type, one.id)[0] for one in erasure.records]
        gone = [self._record(one) for one in erasure.records]
        Words(self._connection).erase(rids)
        self._execute("PRAGMA secure_delete = OFF")
        return gone

    def _record(self, one: Erased) -> Identity:
        rid, version, _, gone = self._state(one.type, one.id)
        identity = self._identity(one.type, one.id)
        if not version:
            return identity
        layout = Layout()
        lay_out(layout, one.rows, self._tenant, rid, self._interner)
        for name, columns in TABLES.items():
            rows = list(dict.fromkeys(getattr(layout, name)))
            execute_many(self._connection, f"DELETE FROM {name} WHERE ({columns}) IN (", rows, ")")
        self._facts(rid)
        self._terms(layout, one.rows)
        self._execute(_VERSIONS, (rid, rid))
        reset = "UPDATE resource SET version = 0, t = 0, born = 0, gone = 1 WHERE rid = ?"
        self._execute(reset, (rid,))
        if not gone:
            sql = "UPDATE tally SET n = n - 1 WHERE tenant = ? AND type = ?"
            self._execute(sql, identity[:2])
        return identity

    def _facts(self, rid: int) -> None:
        """Those of the record, and of its groups."""
        self._execute("DELETE FROM fact WHERE rid = ?", (rid,))
        ends = (-(rid << GROUP_BITS | (1 << GROUP_BITS) - 1), -(rid << GROUP_BITS))
        self._execute("DELETE FROM fact WHERE rid BETWEEN ? AND ?", ends)

    def _terms(self, layout: Layout, rows: Rows) -> None:
        """Texts that no other record has. One in a group of a composite parameter goes with the
        same text of the plain parameter, for `fact` is not searched by it."""
        for id in dict.fromkeys(entry[0] for entry in layout.wording):
            self._execute(_ORPHAN, (id, id))
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
