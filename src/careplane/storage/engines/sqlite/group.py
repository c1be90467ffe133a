"""One transaction of the writer: units of work are checked in turn and written together.

A unit that is stale is left out before anything of it is written, so the others need no savepoint.
Rows gather in a batch and go to their tables in few statements (see bulk); the batch is flushed
before a guard looks at the store, and before a resource is written a second time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from careplane.kernel.errors import Outdated, Stale
from careplane.search.rows import Rows
from careplane.storage.bodies import Packed
from careplane.storage.engines.sqlite.bulk import add_all, execute_many
from careplane.storage.engines.sqlite.compact import compact
from careplane.storage.engines.sqlite.erasing import Eraser
from careplane.storage.engines.sqlite.interner import Interner
from careplane.storage.engines.sqlite.known import Identity, Kind
from careplane.storage.engines.sqlite.layout import TABLES, Entry, Layout, lay_out
from careplane.storage.engines.sqlite.versions import form_of
from careplane.storage.engines.sqlite.words import Words
from careplane.storage.ports.moving import Kept
from careplane.storage.ports.records import (
    DEFINING,
    Erasure,
    Guard,
    Key,
    Put,
    Reindex,
    Tenant,
    Unit,
)

if TYPE_CHECKING:
    from sqlite3 import Connection

Find = Callable[[Tenant, Guard], set[Key]]
"""Runs a guard's search on the writer's connection."""

_RESOURCE = "INSERT INTO resource"
_RESOURCE_AGAIN = """ON CONFLICT (rid) DO UPDATE SET version = excluded.version, t = excluded.t,
born = CASE born WHEN 0 THEN excluded.born ELSE born END, gone = excluded.gone"""
_TALLY_AGAIN = "ON CONFLICT (tenant, type) DO UPDATE SET n = n + excluded.n"
_DEFINED = """SELECT max(t) FROM version WHERE tenant = ?
AND type = (SELECT id FROM name WHERE kind = ? AND text = ?)"""
_LAST = (
    "SELECT max(t), max(updated) FROM (SELECT t, updated FROM erasure UNION ALL "
    "SELECT * FROM (SELECT t, updated FROM version ORDER BY t DESC LIMIT 1))"
)


class _State(NamedTuple):
    """Where a resource stands; `rid` is 0 while it has no place yet."""

    rid: int = 0
    version: int = 0
    born: int = 0
    gone: int = 1
    t: int = 0


_NEVER = _State()


@dataclass(slots=True)
class _Batch:
    """What is written next."""

    resources: list[Entry] = field(default_factory=list)
    versions: list[Entry] = field(default_factory=list)
    outbox: list[Entry] = field(default_factory=list)
    added: Layout = field(default_factory=Layout)
    removed: Layout = field(default_factory=Layout)
    tally: Counter[tuple[int, int]] = field(default_factory=Counter)
    touched: set[Identity] = field(default_factory=set)


class Group:
    """A transaction that has begun; `take` units, then `flush`, then commit."""

    def __init__(self, connection: Connection, interner: Interner, find: Find, now: int) -> None:
        self._connection = connection
        self._interner = interner
        self._find = find
        self._batch = _Batch()
        self._words = Words(connection)
        self._states: dict[Identity, _State] = {}
        self._identities: dict[tuple[int, str, str], Identity] = {}
        self._defined: dict[int, int] = {}
        interner.begin()
        last = connection.execute(_LAST).fetchone()
        self._t = int(last[0])
        self._updated = max(int(last[1]), now // 1000)

    def prepare(self, units: Iterable[tuple[Tenant, Unit, Sequence[Reindex]]]) -> None:
        """Fetch at once what the units will ask for one by one."""
        names = self._interner.names[Kind.TYPE]
        puts: dict[Identity, None] = {}
        targets: dict[Identity, None] = {}
        known = self._interner.targets
        for tenant, unit, items in units:
            for item in items:
                puts[self._identity(tenant, item.type, item.id)] = None
            for put in unit.puts:
                puts[self._identity(tenant, put.type, put.id)] = None
                for row in put.rows.references:
                    if (tenant, row.type, row.id) not in known:
                        targets[tenant, names[row.type], compact(row.id)] = None
        self._interner.prefetch([i for i in targets if i not in puts])
        found = self._interner.prefetch(puts)
        self._states = {i: _State(*found[i]) if i in found else _NEVER for i in puts}

    def take(self, tenant: Tenant, unit: Unit, packed: list[Packed]) -> tuple[int, int]:
        """Accept a unit, whose bodies are `packed`, or raise Stale or Outdated. The sequence number
        of its first version, and when it is written (milliseconds since 1970)."""
        keys = [self._identity(tenant, put.type, put.id) for put in unit.puts]
        if unit.guards or not self._batch.touched.isdisjoint(keys):
            self.flush()
        for guard in unit.guards:
            if self._find(tenant, guard) != guard.found:
                raise Stale("A search that this change relied on has a different answer now")
        for key, put in zip(keys, unit.puts, strict=True):
            if self._states[key].version != put.expect:
                raise Stale("Somebody else has changed a record in between")
        if unit.defined is not None and unit.defined < self._definitions(tenant):
            raise Outdated("Search parameters have been defined anew")
        if unit.audit is not None:
            self._batch.outbox.append((tenant, unit.audit))
        first = self._t + 1
        self._write(tenant, keys, unit.puts, packed)
        return first, self._updated

    def erase(self, tenant: Tenant, erasure: Erasure) -> None:
        """Take an erasure, or raise Stale."""
        self.flush()
        eraser = Eraser(self._connection, self._interner, tenant)
        eraser.check(erasure)
        for identity in eraser.run(erasure):
            state = self._states.get(identity)
            if state is not None:
                self._states[identity] = _State(rid=state.rid)
        self._interner.forget_terms()
        if erasure.audit is not None:
            self._batch.outbox.append((tenant, erasure.audit))

    def restore(
        self, versions: Sequence[Kept], rows: Sequence[Rows], packed: Sequence[Packed]
    ) -> None:
        """Write versions as they were, of resources that have places."""
        puts = [
            (kept.tenant, _as_put(kept, found)) for kept, found in zip(versions, rows, strict=True)
        ]
        self.prepare((tenant, Unit((put,)), ()) for tenant, put in puts)
        for kept, (tenant, put), body in zip(versions, puts, packed, strict=True):
            self._restore(kept, tenant, put, body)
        self.flush()

    def _restore(self, kept: Kept, tenant: Tenant, put: Put, packed: Packed) -> None:
        key, version, batch = self._identity(tenant, put.type, put.id), kept.version, self._batch
        rid, t, updated = self._states[key].rid, version.t, version.last_updated // 1000
        form = form_of(put.method, packed[0])
        row = (t, tenant, key[1], rid, version.version, updated, form, packed[1])
        batch.versions.append(row)
        if kept.current:
            gone = int(version.deleted)
            batch.resources.append((rid, *key, version.version, t, 0, gone))
            batch.tally[tenant, key[1]] += 1 - gone
            self._index(tenant, rid, put)
            self._words.put(rid, put.rows, put.old, first=True)

    def flush(self) -> None:
        """Bring the batch to the tables."""
        batch, self._batch = self._batch, _Batch()
        connection = self._connection
        resources = [*self._interner.placeholders, *batch.resources]
        self._interner.placeholders.clear()
        execute_many(connection, _RESOURCE, resources, _RESOURCE_AGAIN)
        execute_many(connection, "INSERT INTO version", batch.versions)
        for name, columns in TABLES.items():
            head = f"DELETE FROM {name} WHERE ({columns}) IN ("
            execute_many(connection, head, getattr(batch.removed, name), ")")
            add_all(connection, name, list(dict.fromkeys(getattr(batch.added, name))))
        tally = [(*key, n) for key, n in batch.tally.items() if n]
        execute_many(connection, "INSERT INTO tally", tally, _TALLY_AGAIN)
        execute_many(connection, "INSERT INTO outbox (tenant, record)", batch.outbox)
        self._words.flush()

    def indexed_anew(self, tenant: Tenant, item: Reindex) -> int | None:
        """The number of the resource if it is still at the item's version, else None."""
        state = self._states[self._identity(tenant, item.type, item.id)]
        return None if state.gone or state.version != item.version else state.rid

    def write_rows(self, tenant: Tenant, rid: int, rows: Rows, gone: Rows) -> bool:
        """Write the rows of a resource and remove what is gone; whether that changed anything.
        What waited to be written before is written first."""
        added, removed = Layout(), Layout()
        lay_out(added, rows, tenant, rid, self._interner)
        lay_out(removed, gone, tenant, rid, self._interner)
        self.flush()
        before = self._connection.total_changes
        for name in TABLES:
            wanted = dict.fromkeys(getattr(added, name))
            getattr(self._batch.added, name).extend(wanted)
            old = [row for row in dict.fromkeys(getattr(removed, name)) if row not in wanted]
            getattr(self._batch.removed, name).extend(old)
        self.flush()
        changed = self._connection.total_changes != before
        return self._words.replace(rid, rows) or changed

    def _definitions(self, tenant: Tenant) -> int:
        """The sequence number of the newest definition of a search parameter."""
        if tenant not in self._defined:
            asked = (tenant, int(Kind.TYPE), DEFINING)
            self._defined[tenant] = self._connection.execute(_DEFINED, asked).fetchone()[0] or 0
        return self._defined[tenant]

    def _identity(self, tenant: Tenant, type: str, id: str) -> Identity:
        identity = self._identities.get((tenant, type, id))
        if identity is None:
            identity = (tenant, self._interner.names[Kind.TYPE][type], compact(id))
            self._identities[tenant, type, id] = identity
        return identity

    def _write(
        self, tenant: Tenant, keys: list[Identity], puts: tuple[Put, ...], packed: list[Packed]
    ) -> None:
        for key in keys:
            state = self._states[key]
            if not state.rid:  # unless it became a target earlier in this group
                self._states[key] = state._replace(rid=self._interner.place(key))
        for key, put, body in zip(keys, puts, packed, strict=True):
            self._put(tenant, key, put, body)

    def _put(self, tenant: Tenant, key: Identity, put: Put, packed: Packed) -> None:
        state = self._states[key]
        self._t += 1
        gone = int(put.method == "DELETE")
        rid, version, t = state.rid, put.expect + 1, self._t
        form = form_of(put.method, packed[0])
        batch = self._batch
        batch.touched.add(key)
        batch.resources.append((rid, *key, version, t, t, gone))
        batch.versions.append((t, tenant, key[1], rid, version, self._updated, form, packed[1]))
        batch.tally[tenant, key[1]] += state.gone - gone
        if put.type == DEFINING:
            self._defined[tenant] = t
        self._states[key] = _State(rid, version, state.born or t, gone, t)
        self._index(tenant, rid, put)
        self._words.put(rid, put.rows, put.old, first=not state.version)

    def _index(self, tenant: int, rid: int, put: Put) -> None:
        if put.old == _NO_ROWS:
            lay_out(self._batch.added, put.rows, tenant, rid, self._interner)
            return
        new, old = Layout(), Layout()
        lay_out(new, put.rows, tenant, rid, self._interner)
        lay_out(old, put.old, tenant, rid, self._interner)
        for name in TABLES:
            mine, had = set(getattr(new, name)), set(getattr(old, name))
            getattr(self._batch.added, name).extend(mine - had)
            getattr(self._batch.removed, name).extend(had - mine)


def _as_put(kept: Kept, rows: Rows) -> Put:
    version = kept.version
    return Put(version.type, version.id, version.method, b"", rows, version.version - 1, _NO_ROWS)


_NO_ROWS = Rows()
