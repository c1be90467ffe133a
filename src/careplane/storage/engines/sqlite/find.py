"""Runs searches on one connection: which resources match, in which order, page by page.

The candidates come from the smallest source, or from all resources of the type in order where no
source is small enough; checks decide; the first `count` are read with their bodies.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from careplane.search import plan
from careplane.search.plan import EVERYTHING, Node, Query
from careplane.storage.engines.sqlite.plans import chart, driver, orders, usual
from careplane.storage.engines.sqlite.plans.nodes import Nodes
from careplane.storage.engines.sqlite.plans.scope import At, Scope
from careplane.storage.engines.sqlite.plans.sql import FALSE, TRUE, Sql, both, inside, joined
from careplane.storage.relational.cursors import Answers, Cursor, Cursors

_AT = At("r.rid", "r")
_NODES = Nodes()
_AHEAD = 200
# LIMIT is written out: SQLite looks at a bound one when it plans, and plans anew at every binding.
Row = tuple[Any, ...]
SEARCH = b"s"


@dataclass(frozen=True, slots=True)
class Candidates:
    """FROM and WHERE of a search, and the column to order by: that of the source, which SQLite
    then need not sort where it comes in order."""

    origin: Sql
    where: Sql
    rid: str = "r.rid"


class Finder:
    """Searches of one tenant, through one connection."""

    def __init__(self, scope: Scope, cursors: Cursors, answers: Answers) -> None:
        self._scope = scope
        self._cursors = cursors
        self._answers = answers
        self._execute = scope.lookup.connection.execute

    def page(self, query: Query, columns: str) -> tuple[list[Row], str | None]:
        """One page, as rows of the columns of resource r and version v, and the next cursor."""
        if query.count <= 0:
            return [], None
        return (self._sorted_page if query.sort else self._plain_page)(query, columns)

    def count(self, query: Query) -> int:
        """How many match on all pages."""
        if query.where == EVERYTHING and query.cursor is None:
            return self._tally(query)
        found = candidates(query.where, query.types, self._scope, eager=True)
        where = both(self._beginning(query), found.where)
        sql = f"SELECT count(DISTINCT r.rid) FROM {found.origin.text} WHERE {where.text}"
        return int(self._execute(sql, found.origin.args + where.args).fetchone()[0])

    def _tally(self, query: Query) -> int:
        types = inside("type", self._scope.types(query.types)) if query.types else TRUE
        sql = f"SELECT coalesce(sum(n), 0) FROM tally WHERE tenant = ? AND {types.text}"
        return int(self._execute(sql, (self._scope.tenant, *types.args)).fetchone()[0])

    def _plain_page(self, query: Query, columns: str) -> tuple[list[Row], str | None]:
        sql = usual.compiled(query, columns, self._scope, lambda: self._plain(query, columns))
        rows = sorted(self._execute(*sql).fetchall())  # by rid, the first column
        shown = [row[1:] for row in rows[: query.count]]
        if len(rows) <= query.count:
            return shown, None
        return shown, self._write(Cursor(self._first_t(query), rows[query.count - 1][0]))

    def _plain(self, query: Query, columns: str) -> Sql:
        found = candidates(query.where, query.types, self._scope, eager=False)
        rid = found.rid
        where = both(self._beginning(query), self._after(query, rid), found.where)
        text = (
            f"SELECT r.rid, {columns} FROM (SELECT DISTINCT {rid} AS rid FROM {found.origin.text} "
            f"WHERE {where.text} ORDER BY {rid} LIMIT {query.count + 1}) i {_bodies('i.rid')}"
        )
        return Sql(text, found.origin.args + where.args)

    def _sorted_page(self, query: Query, columns: str) -> tuple[list[Row], str | None]:
        cursor = self._read(query)
        answer = self._answers.find(cursor.list) if cursor else None
        shown = cursor.shown if cursor else 0
        number = cursor.list if cursor else 0
        if answer is None:
            answer, number = self._sorted(query), 0
            shown = _place(answer, cursor) if cursor else 0
        here = self._still(query, answer, shown, columns)
        rows = [row[2:] for row in here[: query.count]]
        if len(here) <= query.count:
            return rows, None
        place, rid, *_ = here[query.count - 1]
        number = number or self._answers.keep(answer)
        return rows, self._write(Cursor(self._first_t(query), rid, number, place + 1))

    def _sorted(self, query: Query) -> array[int]:
        """All rids that match, in order."""
        found = candidates(query.where, query.types, self._scope, eager=True)
        where = both(self._beginning(query), found.where)
        values = [orders.value(key, self._scope) for key in query.sort]
        names = [Sql(f"{v.text} AS k{n}", v.args) for n, v in enumerate(values)]
        columns = joined(", ", [Sql("r.rid AS rid"), *names])
        keys = "".join(
            f"k{n} IS NULL, k{n}{' DESC' if key.descending else ''}, "
            for n, key in enumerate(query.sort)
        )
        sql = (
            f"SELECT rid FROM (SELECT DISTINCT {columns.text} FROM {found.origin.text} "
            f"WHERE {where.text}) ORDER BY {keys}rid"
        )
        args = columns.args + found.origin.args + where.args
        return array("q", [rid for (rid,) in self._execute(sql, args)])

    def _still(self, query: Query, answer: Sequence[int], shown: int, columns: str) -> list[Row]:
        """Of a sorted answer, the next ones that match now, and one more: place, rid, columns."""
        wanted = query.count + 1
        here: list[Row] = []
        check = self._condition(query)
        sql = (
            f"SELECT j.key, r.rid, {columns} FROM json_each(?) j {_bodies('j.value')} "
            f"WHERE {check.text} LIMIT {wanted}"
        )
        while len(here) < wanted and shown < len(answer):
            some = answer[shown : shown + wanted + _AHEAD]
            rows = self._execute(sql, (json.dumps(list(some)), *check.args))
            here += [(shown + place, *row) for place, *row in rows]
            shown += len(some)
        return here[:wanted]

    def _condition(self, query: Query) -> Sql:
        types = inside("r.type", self._scope.types(query.types)) if query.types else TRUE
        check = _NODES.check(query.where, self._scope, _AT)
        return both(Sql("r.gone = 0"), types, check)

    def _beginning(self, query: Query) -> Sql:
        """What was created after the first page is left out of the others."""
        cursor = self._read(query)
        return Sql("r.born <= ?", (cursor.t,)) if cursor else TRUE

    def _after(self, query: Query, rid: str) -> Sql:
        cursor = self._read(query)
        return Sql(f"{rid} > ?", (cursor.row,)) if cursor else TRUE

    def _read(self, query: Query) -> Cursor | None:
        if query.cursor is None:
            return None
        return self._cursors.read(SEARCH, self._scope.tenant, query.cursor)

    def _write(self, cursor: Cursor) -> str:
        return self._cursors.write(SEARCH, self._scope.tenant, cursor)

    def _first_t(self, query: Query) -> int:
        cursor = self._read(query)
        if cursor:
            return cursor.t
        return int(self._execute("SELECT coalesce(max(t), 0) FROM version").fetchone()[0])


def _bodies(rid: str) -> str:
    """From a rid to its resource and current version, in the order of what is on the left."""
    return f"CROSS JOIN resource r ON r.rid = {rid} CROSS JOIN version v ON v.t = r.t"


def _place(answer: Sequence[int], cursor: Cursor) -> int:
    """Where to go on in an answer that was sorted anew."""
    try:
        return answer.index(cursor.row) + 1
    except ValueError:
        return cursor.shown


def candidates(node: Node, types: frozenset[str], scope: Scope, *, eager: bool) -> Candidates:
    """Where to look, and what to ask there. `eager`: all are wanted, not the first few."""
    live = both(Sql("r.gone = 0"), inside("r.type", scope.types(types)) if types else TRUE)
    charted = chart.start(node, scope, _NODES) if isinstance(node, plan.And) else None
    source, rest = charted or _source(node, scope, eager=eager)
    check = _NODES.check(rest, scope, _AT)
    if check == FALSE:
        return Candidates(Sql("resource r"), FALSE)
    if source is None:
        return Candidates(
            Sql("resource r"), both(Sql("r.tenant = ?", (scope.tenant,)), live, check)
        )
    origin = Sql(f"({source.text}) d CROSS JOIN resource r ON r.rid = d.rid", source.args)
    return Candidates(origin, both(live, check), "d.rid")


def _source(node: Node, scope: Scope, *, eager: bool) -> tuple[Sql | None, Node]:
    """Candidates from the smallest part, and what is left to check. None for all resources: where
    only the first few are wanted, going through them in order may find those sooner."""
    part, rest = _start(node, scope)
    source = None if part is None else _NODES.source(part, scope)
    if source is None or part is None:
        return None, node
    slow = not eager and not driver.in_order(part)
    if slow and driver.size(part, scope, _NODES, driver.SORTED) >= driver.SORTED:
        return None, node
    return source, rest


def _start(node: Node, scope: Scope) -> tuple[Node | None, Node]:
    """The part to start from, and what is left to check."""
    part: Node | None = node
    if isinstance(node, plan.And):
        part = driver.smallest(node, scope, _NODES)
    if part is None or not driver.is_exact(part):
        return part, node
    if isinstance(node, plan.And):
        return part, replace(node, parts=tuple(p for p in node.parts if p is not part))
    return part, EVERYTHING
