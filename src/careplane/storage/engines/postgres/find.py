"""Searches as statements, and pages of their rows. One statement is one moment."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from careplane.search.plan import EVERYTHING, Query
from careplane.storage.engines.postgres.names import Names
from careplane.storage.engines.postgres.plans import leads, nodes, orders, selves
from careplane.storage.engines.postgres.plans.scope import TRUE, At, Scope, both
from careplane.storage.engines.postgres.versions import COLUMNS
from careplane.storage.ports.records import Tenant
from careplane.storage.relational.cursors import Cursor

Row = Sequence[Any]
_BODY = "JOIN version v ON v.tenant = {mine} AND v.ident = r.ident AND v.version = r.version"


class Statement(NamedTuple):
    """A text, its values, and whether it may be planned once for all values."""

    text: str
    args: list[Any]
    quick: bool = False


@dataclass(frozen=True, slots=True)
class Finder:
    """Searches of one tenant. `few`: see `leads.origin`. `bodies`: whether versions are wanted, or
    only types and ids."""

    tenant: Tenant
    names: Names
    few: bool = False
    bodies: bool = True

    def page(self, query: Query, cursor: Cursor | None) -> Statement:
        """Rows of COLUMNS, ident, rid, t now, total; in order of rid, one more than asked for."""
        scope = self._scope()
        found = leads.origin(query, scope, few=self.few)
        born = self._born(scope, cursor)
        after = f"r.rid > {scope.bind(cursor.row, 'bigint')}" if cursor else TRUE
        limit = scope.bind(query.count + 1, "bigint")
        total = self._total(query, scope, found, born)
        text = (
            f"SELECT {self._columns}, r.ident, r.rid, {self._now(scope)}, {total} "
            "FROM (SELECT r.rid, r.ident, "
            f"r.type, r.id, r.version FROM {found.table} WHERE {both([found.where, born, after])} "
            f"ORDER BY r.rid LIMIT {limit}) r {self._body(scope)} ORDER BY r.rid"
        )
        return Statement(*scope.statement(text), found.quick)

    def count(self, query: Query, cursor: Cursor | None) -> Statement:
        """How many match on all pages."""
        scope = self._scope()
        if query.where == EVERYTHING and cursor is None:
            return Statement(*scope.statement(f"SELECT {self._tally(query, scope)}"), True)
        found = leads.origin(query, scope, few=self.few)
        where = both([found.where, self._born(scope, cursor)])
        text = f"SELECT count(*) FROM {found.table} WHERE {where}"
        return Statement(*scope.statement(text), found.quick)

    def ranked(self, query: Query, cursor: Cursor | None) -> Statement:
        """The first page of a sorted search: rows of COLUMNS, ident, place, t now, total; and all
        idents in order where there are more, in the column after."""
        scope = self._scope()
        found = leads.origin(query, scope, few=self.few)
        where = both([found.where, self._born(scope, cursor)])
        keys = [(orders.value(key, scope), key.descending) for key in query.sort]
        order = "".join(
            f"({text}) {'DESC' if descending else 'ASC'} NULLS LAST, " for text, descending in keys
        )
        count = scope.bind(query.count, "bigint")
        text = (
            "WITH found AS MATERIALIZED (SELECT r.rid, r.ident, r.type, r.id, r.version, "
            f"row_number() OVER (ORDER BY {order}r.rid) AS place FROM {found.table} WHERE {where}) "
            f"SELECT {self._columns}, r.ident, r.place, {self._now(scope)}, "
            "(SELECT count(*) FROM found), "
            f"(SELECT array_agg(ident ORDER BY place) FROM found HAVING count(*) > {count}) "
            f"FROM found r {self._body(scope)} WHERE r.place <= {count} ORDER BY r.place"
        )
        return Statement(*scope.statement(text), found.quick)

    def still(self, query: Query, some: array[int], total_from: Cursor) -> Statement:
        """Of given resources in their order, those that match now: rows of COLUMNS, ident, place
        (from 1), t now, total."""
        scope = self._scope()
        at = At("r")
        types = selves.types_are(query.types, scope, at) if query.types else TRUE
        check = both(["NOT r.gone", types, nodes.compile(query.where, scope, at)])
        given = scope.bind(list(some), "bigint[]")
        limit = scope.bind(query.count + 1, "bigint")
        found = leads.origin(query, scope, few=self.few)
        total = self._total(query, scope, found, self._born(scope, total_from))
        text = (
            f"SELECT {self._columns}, r.ident, u.place, {self._now(scope)}, {total} "
            f"FROM unnest({given}) WITH ORDINALITY u(ident, place) "
            f"JOIN resource r ON {scope.mine('r')} AND r.ident = u.ident {self._body(scope)} "
            f"WHERE {check} ORDER BY u.place LIMIT {limit}"
        )
        return Statement(*scope.statement(text))

    @property
    def _columns(self) -> str:
        return COLUMNS if self.bodies else "r.type, r.id, r.version, 0, 0, ''::bytea, 0"

    def _body(self, scope: Scope) -> str:
        return _BODY.format(mine=scope.bind(self.tenant, "integer")) if self.bodies else ""

    def _total(self, query: Query, scope: Scope, found: leads.Origin, born: str) -> str:
        if not query.total:
            return "0"
        if query.where == EVERYTHING and born == TRUE:
            return self._tally(query, scope)
        return f"(SELECT count(*) FROM {found.table} WHERE {both([found.where, born])})"

    def _tally(self, query: Query, scope: Scope) -> str:
        types = selves.types_are(query.types, scope, At("n")) if query.types else TRUE
        where = both([scope.mine("n"), types])
        return f"(SELECT coalesce(sum(n.n), 0)::bigint FROM tally n WHERE {where})"

    def _now(self, scope: Scope) -> str:
        return f"(SELECT s.t FROM sequence s WHERE {scope.mine('s')})"

    def _born(self, scope: Scope, cursor: Cursor | None) -> str:
        """What was created after the first page is left out of the others."""
        return f"r.born <= {scope.bind(cursor.t, 'bigint')}" if cursor else TRUE

    def _scope(self) -> Scope:
        return Scope(self.tenant, self.names)
