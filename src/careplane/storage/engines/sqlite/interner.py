"""Gives out integers, on the writer's side: what is not known yet is stored and gets the next one.

What a group learns is shared with the readers when the group is committed, and forgotten if not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from careplane.search.rows import QuantityRow
from careplane.storage.engines.sqlite.bulk import query_many
from careplane.storage.engines.sqlite.known import (
    FIND_NAME,
    FIND_RID,
    Identity,
    Kind,
    Known,
    Name,
    Term,
    Unit,
)

if TYPE_CHECKING:
    from sqlite3 import Connection

_LONGEST_REMEMBERED = 200
_SHARED_SEQUENCE = "SELECT coalesce(max(id), 0) + 1 FROM name WHERE kind > 2"
_OWN_SEQUENCE = "SELECT coalesce(max(id), 0) + 1 FROM name WHERE kind = ?"
_FIND_RIDS = "WITH k (tenant, type, fhir_id) AS ("
_FIND_RIDS_TAIL = """) SELECT k.tenant, k.type, k.fhir_id, r.rid, r.version, r.born, r.gone, r.t
FROM k CROSS JOIN resource r
ON r.tenant = k.tenant AND r.type = k.type AND r.fhir_id = k.fhir_id"""

WRITTEN, WRITTEN_BESIDE_CANONICAL, CANONICAL = 0, 1, 2


class Interner:
    """One writer's. `placeholders` are resources that were only referred to in this batch."""

    def __init__(self, connection: Connection, known: Known) -> None:
        self._connection = connection
        self._known = known
        self._fresh = Known()
        self._names = self._fresh.names
        self._rids = self._fresh.rids
        self.placeholders: list[tuple[int, int, int, object, int, int, int, int]] = []
        self.next_rid = 1
        self._next_term = 1

    def begin(self) -> None:
        """A transaction has begun: another process may have written since the last one."""
        row = self._connection.execute(
            "SELECT (SELECT max(rid) FROM resource), (SELECT max(id) FROM term)"
        ).fetchone()
        self.next_rid, self._next_term = (row[0] or 0) + 1, (row[1] or 0) + 1

    def commit(self) -> None:
        known, fresh = self._known, self._fresh
        known.names.learn(fresh.names)
        known.units.learn(fresh.units)
        known.terms.learn(fresh.terms)
        known.rids.learn(fresh.rids)
        self.forget()

    def forget(self) -> None:
        fresh = self._fresh
        for memory in (fresh.names, fresh.units, fresh.terms, fresh.rids):
            memory.clear()
        self.placeholders.clear()

    def name(self, kind: Kind, text: str) -> int:
        key = (kind, text)
        id = self._names.get(key) or self._known.names.get(key)
        return id or self._learn_name(key)

    def system(self, system: str | None) -> int:
        """0 where there is none."""
        return self.name(Kind.SYSTEM, system) if system is not None else 0

    def term(self, term: Term) -> int:
        id = self._fresh.terms.get(term) or self._known.terms.get(term)
        return id or self._learn_term(term)

    def units(self, row: QuantityRow) -> tuple[int, int | None]:
        """The unit as written and, where there is one, the canonical one."""
        system = self.system(row.system)
        if row.canonical is None:
            return self._unit((row.code or "", system, WRITTEN)), None
        written = self._unit((row.code or "", system, WRITTEN_BESIDE_CANONICAL))
        return written, self._unit((row.canonical.unit, 0, CANONICAL))

    def target(self, tenant: int, type: str, id: object) -> int:
        """The rid of something referred to, which may not be there yet."""
        identity: Identity = (tenant, self.name(Kind.TYPE, type), id)  # type: ignore[assignment]
        rid = self._rids.get(identity) or self._known.rids.get(identity)
        return rid or self._await(identity)

    def place(self, identity: Identity) -> int:
        """The rid of a resource that is written for the first time."""
        return self._rids.get(identity) or self._new_rid(identity)

    def _new_rid(self, identity: Identity) -> int:
        rid = self.next_rid
        self.next_rid += 1
        self._rids[identity] = rid
        return rid

    def prefetch(self, identities: Iterable[Identity]) -> dict[Identity, tuple[int, ...]]:
        """What the store has of these: rid, version, born, gone, t."""
        found: dict[Identity, tuple[int, ...]] = {}
        rows = query_many(self._connection, _FIND_RIDS, list(identities), _FIND_RIDS_TAIL)
        for tenant, type, id, *state in rows:
            identity = (tenant, type, id)
            found[identity] = tuple(state)
            self._rids[identity] = state[0]
        return found

    def unknown(self, identities: Iterable[Identity]) -> list[Identity]:
        known, fresh = self._known.rids, self._rids
        return [i for i in dict.fromkeys(identities) if i not in known and i not in fresh]

    def _await(self, identity: Identity) -> int:
        row = self._connection.execute(FIND_RID, identity).fetchone()
        if row is not None:
            self._rids[identity] = int(row[0])
            return int(row[0])
        rid = self._new_rid(identity)
        self.placeholders.append((rid, *identity, 0, 0, 0, 1))
        return rid

    def _learn_name(self, key: Name) -> int:
        kind, text = key
        execute = self._connection.execute
        row = execute(FIND_NAME, (int(kind), text)).fetchone()
        if row is None:
            if kind > Kind.SYSTEM:
                row = execute(_SHARED_SEQUENCE).fetchone()
            else:
                row = execute(_OWN_SEQUENCE, (int(kind),)).fetchone()
            execute("INSERT INTO name (kind, text, id) VALUES (?, ?, ?)", (int(kind), text, row[0]))
        self._names[key] = int(row[0])
        return int(row[0])

    def _learn_term(self, term: Term) -> int:
        execute = self._connection.execute
        row = execute(
            "SELECT id FROM term WHERE tenant = ? AND param = ? AND folded = ? AND text = ?", term
        ).fetchone()
        if row is None:
            id = self._next_term
            self._next_term += 1
            execute("INSERT INTO term VALUES (?, ?, ?, ?, ?)", (id, *term))
        else:
            id = int(row[0])
        if len(term[2]) <= _LONGEST_REMEMBERED:
            self._fresh.terms[term] = id
        return id

    def _unit(self, unit: Unit) -> int:
        id = self._fresh.units.get(unit) or self._known.units.get(unit)
        if id:
            return id
        execute = self._connection.execute
        row = execute(
            "SELECT id FROM unit WHERE code = ? AND system = ? AND kind = ?", unit
        ).fetchone()
        if row is None:
            row = execute("SELECT (coalesce(max(id), 0) / 4 + 1) * 4 + ? FROM unit", (unit[2],)).fetchone()  # fmt: skip  # noqa: E501
            execute("INSERT INTO unit VALUES (?, ?, ?, ?)", (row[0], *unit))
        self._fresh.units[unit] = int(row[0])
        return int(row[0])
