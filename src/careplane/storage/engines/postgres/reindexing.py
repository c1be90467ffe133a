"""Index rows of resources made anew, in a transaction of their own: no version is written.

It takes the lock of the writer first, so nobody commits in between. The arrays of a resource are
written whole; the ranges beside it are added where they lack, since an update leaves out those that
the version before should have had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from careplane.storage.engines.postgres.batch import Identity, Resource
from careplane.storage.engines.postgres.group import Find, Group
from careplane.storage.engines.postgres.layout import Layout, lay_out
from careplane.storage.engines.postgres.names import Names
from careplane.storage.engines.postgres.sessions import Connection
from careplane.storage.engines.postgres.words import texts, write
from careplane.storage.ports.records import Reindex, Reindexed, Tenant

_FOUND_BY = """SELECT ident, rid, version, born, updated, groups, gone, type, id, keys, group_keys,
dates, numbers FROM resource WHERE tenant = $1 AND ident = ANY($2::bigint[])"""
_DATE, _NUMBER = "wide, param, low, high", "wide, param, unit, low, high"
_DATE_TYPES = ("integer", "bigint", "bigint", "bigint")
_NUMBER_TYPES = ("integer", "bigint", "bigint", "double precision", "double precision")


def _rows(columns: str, types: Sequence[str]) -> str:
    arrays = ", ".join(f"${n}::{type}[]" for n, type in enumerate(("bigint", *types), 2))
    return f"unnest({arrays}) u(ident, {columns})"


def _same(columns: str) -> str:
    names = ["ident", *columns.split(", ")]
    return "x.tenant = $1 AND " + " AND ".join(f"x.{name} = u.{name}" for name in names)


def _add(table: str, columns: str, types: Sequence[str]) -> str:
    return (
        f"INSERT INTO {table} (tenant, ident, {columns}) "
        f"SELECT $1, ident, {columns} FROM {_rows(columns, types)} "
        f"WHERE NOT EXISTS (SELECT FROM {table} x WHERE {_same(columns)}) RETURNING ident"
    )


def _take(table: str, columns: str, types: Sequence[str]) -> str:
    return (
        f"DELETE FROM {table} x USING {_rows(columns, types)} "
        f"WHERE {_same(columns)} RETURNING x.ident"
    )


_TAKE_DATES = _take("date_range", _DATE, _DATE_TYPES)
_ADD_DATES = _add("date_range", _DATE, _DATE_TYPES)
_TAKE_NUMBERS = _take("number_range", _NUMBER, _NUMBER_TYPES)
_ADD_NUMBERS = _add("number_range", _NUMBER, _NUMBER_TYPES)


@dataclass(frozen=True, slots=True)
class _Item:
    """What shall be there of a resource, and what shall not."""

    ident: int
    asked: Reindex
    wanted: Layout
    gone: Layout


@dataclass(slots=True)
class _Ranges:
    """Ranges to take away and to add, each after the ident of its resource."""

    no_dates: list[tuple[Any, ...]] = field(default_factory=list)
    dates: list[tuple[Any, ...]] = field(default_factory=list)
    no_numbers: list[tuple[Any, ...]] = field(default_factory=list)
    numbers: list[tuple[Any, ...]] = field(default_factory=list)

    def gather(self, item: _Item) -> None:
        new, old, ident = item.wanted, item.gone, item.ident
        self.no_dates += [(ident, *d) for d in old.date_ranges - new.date_ranges]
        self.dates += [(ident, *d) for d in new.date_ranges]
        self.no_numbers += [(ident, *n) for n in old.number_ranges - new.number_ranges]
        self.numbers += [(ident, *n) for n in new.number_ranges]

    async def write(self, connection: Connection, tenant: Tenant) -> set[int]:
        """The idents of resources that had others."""
        changed: set[int] = set()
        for text, rows in (
            (_TAKE_DATES, self.no_dates),
            (_ADD_DATES, self.dates),
            (_TAKE_NUMBERS, self.no_numbers),
            (_ADD_NUMBERS, self.numbers),
        ):
            if rows:
                found = await connection.fetch(text, tenant, *zip(*rows, strict=True))
                changed |= {row[0] for row in found}
        return changed


class Anew:
    """Some resources of a tenant, once."""

    def __init__(
        self, tenant: Tenant, items: Sequence[Reindex], defined: int, names: Names
    ) -> None:
        self._tenant = tenant
        self._defined = defined
        self._items = [
            _Item(
                names.ident(tenant, item.type, item.id),
                item,
                lay_out(item.rows, tenant, names),
                lay_out(item.gone, tenant, names),
            )
            for item in items
        ]

    async def run(
        self, connection: Connection, find: Find, heard: set[Identity], now: int
    ) -> tuple[list[Reindexed], set[Identity]]:
        """What came of each, and what has a place from now on."""
        tenant = self._tenant
        async with connection.transaction():
            group = Group(connection, find, heard)
            wanted = {t for item in self._items for t in group.unheard(tenant, item.wanted)}
            await group.lock(wanted | {(tenant, item.ident) for item in self._items}, now)
            await group.require(tenant, self._defined)
            idents = [item.ident for item in self._items]
            rows = {row[0]: row for row in await connection.fetch(_FOUND_BY, tenant, idents)}
            here = [item for item in self._items if _is_there(item, rows.get(item.ident))]
            ranges, changed = _Ranges(), set[int]()
            for item in here:
                ranges.gather(item)
                layout = _merged(item, rows[item.ident])
                if layout is not None:
                    changed.add(item.ident)
                    group.change(_resource(tenant, rows[item.ident], layout))
            changed |= await ranges.write(connection, tenant)
            found = {
                (int(tenant), i.ident): texts(i.asked.rows) for i in here if i.asked.rows.words
            }
            changed |= await write(connection, found)
            await group.flush()
        there = {item.ident for item in here}
        return [_outcome(item.ident, there, changed) for item in self._items], set(group.heard)


def _outcome(ident: int, there: set[int], changed: set[int]) -> Reindexed:
    if ident not in there:
        return "moved"
    return "changed" if ident in changed else "same"


def _is_there(item: _Item, row: Any) -> bool:
    asked = item.asked
    if row is None or row["gone"] or row["version"] != asked.version:
        return False
    return (row["type"], row["id"]) == (asked.type, asked.id)


def _resource(tenant: Tenant, row: Any, layout: Layout) -> Resource:
    return Resource(
        tenant, row["ident"], row["rid"], row["type"], row["id"], row["version"], row["born"],
        row["updated"], row["gone"], layout,
    )  # fmt: skip


def _merged(item: _Item, row: Any) -> Layout | None:
    """All that the resource is found by; None where that is what it is found by."""
    new, old = item.wanted, item.gone
    had = set(row["keys"])
    keys = (had - old.keys) | new.keys
    dates, more_dates = _merged_ranges(row["dates"] or [], new.dates, old.dates, 4)
    numbers, more_numbers = _merged_ranges(row["numbers"] or [], new.numbers, old.numbers, 5)
    if keys == had and not more_dates and not more_numbers:
        return None
    return Layout(
        keys=keys,
        group_keys=set(row["group_keys"] or ()),
        groups=row["groups"],
        dates=dates,
        numbers=numbers,
        terms=new.terms,
        units=new.units,
        targets=new.targets,
    )


def _merged_ranges(
    had: list[Any], new: list[Any], old: list[Any], width: int
) -> tuple[list[Any], bool]:
    """Flat again, and whether they are other ones."""
    before, wanted, gone = (_split(flat, width) for flat in (had, new, old))
    kept = [one for one in before if one in wanted or one not in gone]
    found = [*kept, *(one for one in dict.fromkeys(wanted) if one not in kept)]
    return [value for one in found for value in one], found != before


def _split(flat: list[Any], width: int) -> list[tuple[Any, ...]]:
    return [tuple(flat[n : n + width]) for n in range(0, len(flat), width)]
