"""Takes records and superseded versions out of the database for good, in one transaction.

It locks the tenant's row of `sequence` as every commit does, so nothing else is written in between,
and no `t` is used again. The row of `resource` stays, as that of something only referred to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from careplane.kernel.errors import Stale
from careplane.search.rows import Rows
from careplane.storage.engines.postgres.layout import lay_out
from careplane.storage.engines.postgres.names import Names
from careplane.storage.engines.postgres.sessions import Connection
from careplane.storage.engines.postgres.words import erase
from careplane.storage.ports.records import Erasure, Tenant

_LOCK = "SELECT t FROM sequence WHERE tenant = $1 FOR UPDATE"
_STATES = (
    "SELECT ident, version, gone FROM resource WHERE tenant = $1 AND ident = ANY($2::bigint[])"
)
_VERSIONS = "DELETE FROM version WHERE tenant = $1 AND ident = ANY($2::bigint[])"
_SUPERSEDED = """DELETE FROM version v USING unnest($2::bigint[], $3::integer[]) k(ident, version)
WHERE v.tenant = $1 AND v.ident = k.ident AND v.version = k.version"""
_RESOURCES = """UPDATE resource SET version = 0, born = 0, updated = 0, groups = 0, gone = true,
keys = '{}', group_keys = NULL, dates = NULL, numbers = NULL
WHERE tenant = $1 AND ident = ANY($2::bigint[])"""
_DATES = """DELETE FROM date_range d USING unnest($2::integer[], $3::bigint[], $4::bigint[],
$5::bigint[], $6::bigint[]) k(wide, param, low, high, ident)
WHERE d.tenant = $1 AND d.ident = k.ident AND d.wide = k.wide AND d.param = k.param
AND d.low = k.low AND d.high = k.high"""
_NUMBERS = """DELETE FROM number_range d USING unnest($2::integer[], $3::bigint[], $4::bigint[],
$5::double precision[], $6::double precision[], $7::bigint[])
k(wide, param, unit, low, high, ident)
WHERE d.tenant = $1 AND d.ident = k.ident AND d.wide = k.wide AND d.param = k.param
AND d.unit = k.unit AND d.low = k.low AND d.high = k.high"""
_TERMS = """DELETE FROM term m WHERE m.tenant = $1 AND m.key = ANY($2::bigint[])
AND NOT EXISTS (SELECT FROM resource r WHERE r.tenant = $1 AND r.keys @> ARRAY[m.key])"""
_PARTNERS = """DELETE FROM term m USING unnest($2::bigint[], $3::bigint[]) k(key, plain)
WHERE m.tenant = $1 AND m.key = k.key
AND NOT EXISTS (SELECT FROM term o WHERE o.tenant = $1 AND o.key = k.plain)"""
_TALLY = "UPDATE tally SET n = n - $3 WHERE tenant = $1 AND type = $2"
_OUTBOX = "INSERT INTO outbox (tenant, record) VALUES ($1, $2)"


class Eraser:
    """One erasure."""

    def __init__(self, names: Names, tenant: Tenant, erasure: Erasure) -> None:
        self._names = names
        self._tenant = tenant
        self._erasure = erasure

    async def run(self, connection: Connection) -> None:
        """All of it, or raise Stale."""
        erasure, tenant = self._erasure, self._tenant
        idents = [self._ident(one.type, one.id) for one in erasure.records]
        olds = [self._ident(old.type, old.id) for old in erasure.versions]
        async with connection.transaction():
            await connection.execute(_LOCK, tenant)
            live = await self._check(connection, idents, olds)
            numbers = [old.version for old in erasure.versions]
            await connection.execute(_SUPERSEDED, tenant, olds, numbers)
            await connection.execute(_VERSIONS, tenant, idents)
            await connection.execute(_RESOURCES, tenant, idents)
            await erase(connection, [(tenant, ident) for ident in idents])
            await self._index(connection, idents)
            for type, n in live.items():
                await connection.execute(_TALLY, tenant, type, n)
            if erasure.audit is not None:
                await connection.execute(_OUTBOX, tenant, erasure.audit)

    async def _check(
        self, connection: Connection, idents: Sequence[int], olds: Sequence[int]
    ) -> Counter[str]:
        """How many of each type are there to be found now."""
        rows = await connection.fetch(_STATES, self._tenant, [*idents, *olds])
        states = {row[0]: (row[1], row[2]) for row in rows}
        live: Counter[str] = Counter()
        for ident, one in zip(idents, self._erasure.records, strict=True):
            version, gone = states.get(ident, (0, True))
            if version != one.expect:
                raise Stale("Somebody else has changed a record in between")
            live[one.type] += int(not gone)
        for ident, old in zip(olds, self._erasure.versions, strict=True):
            if states.get(ident, (0, True))[0] <= old.version:
                raise Stale("A current version is not removed from a history")
        return live

    async def _index(self, connection: Connection, idents: Sequence[int]) -> None:
        """Of all records together, in few statements."""
        tenant, names, records = self._tenant, self._names, self._erasure.records
        layouts = [lay_out(one.rows, tenant, names) for one in records]
        pairs = list(zip(idents, layouts, strict=True))
        dates = [(*row, ident) for ident, layout in pairs for row in layout.date_ranges]
        if dates:
            await connection.execute(_DATES, tenant, *map(list, zip(*dates, strict=True)))
        numbers = [(*row, ident) for ident, layout in pairs for row in layout.number_ranges]
        if numbers:
            await connection.execute(_NUMBERS, tenant, *map(list, zip(*numbers, strict=True)))
        partners: dict[int, int | None] = {}
        keys: dict[int, None] = {}
        for layout, one in zip(layouts, records, strict=True):
            mine = self._partners(one.rows)
            partners |= mine
            keys |= dict.fromkeys(key for key in layout.terms if key not in mine)
        await connection.execute(_TERMS, tenant, list(keys))
        found = [(key, other) for key, other in partners.items() if other is not None]
        await connection.execute(
            _PARTNERS, tenant, [key for key, _ in found], [other for _, other in found]
        )

    def _partners(self, rows: Rows) -> dict[int, int | None]:
        """Texts in groups of composite parameters, each with the same text of the plain parameter:
        it goes with that one, for groups are not looked up by it."""
        string, tenant = self._names.string, self._tenant
        plain = {
            (r.folded, r.text): string(tenant, r.param, r.folded, r.text) for r in rows.strings
        }
        return {
            string(tenant, row.param, row.folded, row.text): plain.get((row.folded, row.text))
            for group in rows.composites
            for row in group.parts.strings
        }

    def _ident(self, type: str, id: str) -> int:
        return self._names.ident(self._tenant, type, id)
