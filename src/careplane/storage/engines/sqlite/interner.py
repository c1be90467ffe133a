"""Gives out integers, on the writer's side: what is not known yet is stored and gets the next one.

It remembers what it gave, across groups; a group that is undone makes it forget everything, for
then it cannot tell what is stored. Ids that others gave are found in the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from careplane.search.rows import QuantityRow
from careplane.storage.engines.sqlite.bulk import query_many
from careplane.storage.engines.sqlite.compact import Compact, compact
from careplane.storage.engines.sqlite.known import (
    FIND_NAME,
    FIND_RID,
    Identity,
    Kind,
    Term,
    Unit,
)

if TYPE_CHECKING:
    from sqlite3 import Connection

K = TypeVar("K")
V = TypeVar("V")
Reference = tuple[int, str, str]
"""Tenant, type, logical id as written."""

_REMEMBERED = 200_000
_LONGEST_REMEMBERED = 200
_SHARED_SEQUENCE = "SELECT coalesce(max(id), 0) + 1 FROM name WHERE kind > 2"
_OWN_SEQUENCE = "SELECT coalesce(max(id), 0) + 1 FROM name WHERE kind = ?"
_FIND_TERM = "SELECT id FROM term WHERE tenant = ? AND param = ? AND folded = ? AND text = ?"
_FIND_UNIT = "SELECT id FROM unit WHERE code = ? AND system = ? AND kind = ?"
_NEXT_UNIT = "SELECT (coalesce(max(id), 0) / 4 + 1) * 4 + ? FROM unit"
_FIND_RIDS = "WITH k (tenant, type, fhir_id) AS ("
_FIND_RIDS_TAIL = """) SELECT k.tenant, k.type, k.fhir_id, r.rid, r.version, r.born, r.gone, r.t
FROM k CROSS JOIN resource r
ON r.tenant = k.tenant AND r.type = k.type AND r.fhir_id = k.fhir_id"""

WRITTEN, WRITTEN_BESIDE_CANONICAL, CANONICAL = 0, 1, 2


class Memory(dict[K, V], Generic[K, V]):
    """A dictionary that learns what it lacks."""

    def __init__(self, learn: Callable[[K], V]) -> None:
        super().__init__()
        self._learn = learn

    def __missing__(self, key: K) -> V:
        value = self[key] = self._learn(key)
        return value


class Interner:
    """One writer's. `placeholders` are resources that were only referred to in this batch."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.names: dict[Kind, Memory[str, int]] = {
            kind: Memory(partial(self._learn_name, kind)) for kind in Kind
        }
        self.compact: Memory[str, Compact] = Memory(compact)
        self.targets: Memory[Reference, int] = Memory(self._learn_target)
        self.units: Memory[Unit, int] = Memory(self._learn_unit)
        self._terms: dict[Term, int] = {}
        self._rids: dict[Identity, int] = {}
        self.placeholders: list[tuple[int, int, int, Compact, int, int, int, int]] = []
        self._next_rid = self._next_term = 1
        self._erased = 0

    def begin(self) -> None:
        """A transaction has begun: another process may have written since the last one."""
        row = self._connection.execute(
            "SELECT (SELECT max(rid) FROM resource), (SELECT max(id) FROM term), n FROM erasure"
        ).fetchone()
        if row[2] != self._erased:  # then what is remembered may be gone
            self.forget_terms()
            self._erased = row[2]
        self._next_rid, self._next_term = (row[0] or 0) + 1, (row[1] or 0) + 1
        self._rids.clear()
        for memory in self._memories():
            if len(memory) > _REMEMBERED:
                memory.clear()

    def forget(self) -> None:
        """The transaction is undone."""
        self.placeholders.clear()
        self._rids.clear()
        for memory in self._memories():
            memory.clear()

    def forget_terms(self) -> None:
        """Some are no more; all else keeps its number for ever."""
        self._terms.clear()

    def _memories(self) -> Iterable[dict[object, object]]:
        found: list[object] = [*self.names.values(), self.compact, self.targets, self.units]
        return [*found, self._terms]  # type: ignore[list-item]

    def term(self, term: Term) -> int:
        return self._terms.get(term) or self._learn_term(term)

    def quantity_units(self, row: QuantityRow) -> tuple[int, int]:
        """The unit as written, and the canonical one or 0."""
        system = self.names[Kind.SYSTEM][row.system] if row.system is not None else 0
        if row.canonical is None:
            return self.units[row.code or "", system, WRITTEN], 0
        written = self.units[row.code or "", system, WRITTEN_BESIDE_CANONICAL]
        return written, self.units[row.canonical.unit, 0, CANONICAL]

    def place(self, identity: Identity) -> int:
        """The rid of a resource that is written for the first time."""
        return self._rids.get(identity) or self._new_rid(identity)

    def prefetch(self, identities: Iterable[Identity]) -> dict[Identity, tuple[int, ...]]:
        """What the store has of these: rid, version, born, gone, t."""
        rows = query_many(self._connection, _FIND_RIDS, list(identities), _FIND_RIDS_TAIL)
        found = {(tenant, type, id): tuple(state) for tenant, type, id, *state in rows}
        self._rids.update((identity, state[0]) for identity, state in found.items())
        return found

    def _new_rid(self, identity: Identity) -> int:
        rid = self._rids[identity] = self._next_rid
        self._next_rid += 1
        return rid

    def _learn_target(self, reference: Reference) -> int:
        """The rid of something referred to, which may not be there yet."""
        tenant, type, id = reference
        identity = (tenant, self.names[Kind.TYPE][type], compact(id))
        rid = self._rids.get(identity)
        if rid is not None:
            return rid
        row = self._connection.execute(FIND_RID, identity).fetchone()
        if row is not None:
            return int(row[0])
        rid = self._new_rid(identity)
        self.placeholders.append((rid, *identity, 0, 0, 0, 1))
        return rid

    def _learn_name(self, kind: Kind, text: str) -> int:
        execute = self._connection.execute
        row = execute(FIND_NAME, (int(kind), text)).fetchone()
        if row is not None:
            return int(row[0])
        if kind > Kind.SYSTEM:
            id = execute(_SHARED_SEQUENCE).fetchone()[0]
        else:
            id = execute(_OWN_SEQUENCE, (int(kind),)).fetchone()[0]
        execute("INSERT INTO name (kind, text, id) VALUES (?, ?, ?)", (int(kind), text, id))
        return int(id)

    def _learn_term(self, term: Term) -> int:
        execute = self._connection.execute
        row = execute(_FIND_TERM, term).fetchone()
        if row is not None:
            id = int(row[0])
        else:
            id = self._next_term
            self._next_term += 1
            execute("INSERT INTO term VALUES (?, ?, ?, ?, ?)", (id, *term))
        if len(term[2]) <= _LONGEST_REMEMBERED:
            self._terms[term] = id
        return id

    def _learn_unit(self, unit: Unit) -> int:
        execute = self._connection.execute
        row = execute(_FIND_UNIT, unit).fetchone()
        if row is not None:
            return int(row[0])
        id = execute(_NEXT_UNIT, (unit[2],)).fetchone()[0]
        execute("INSERT INTO unit VALUES (?, ?, ?, ?)", (id, *unit))
        return int(id)
