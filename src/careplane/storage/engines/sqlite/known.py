"""The integers that stand for texts: types, parameters, systems, units, terms, and resources.

Ids are never changed or given anew, so what was committed may be remembered for ever; the memory is
bounded by forgetting everything. Readers share it; the writer has an `Interner`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from careplane.search.plan import Node
from careplane.search.rows import Param
from careplane.storage.engines.sqlite.compact import Compact, compact

if TYPE_CHECKING:
    from collections.abc import Hashable
    from sqlite3 import Connection

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


class Kind(IntEnum):
    """What a name names. Parameters have a kind for each table, for one parameter may stand in
    several; their ids are one sequence, so that they cannot be confused in `fact`."""

    TYPE = 1
    SYSTEM = 2
    TOKEN = 3
    STRING = 4
    REFERENCE = 5
    URI = 6
    DATE = 7
    NUMBER = 8
    QUANTITY = 9
    COMPOSITE = 10


PARAM_KINDS = tuple(kind for kind in Kind if kind > Kind.SYSTEM)


class Bounded(dict[K, V], Generic[K, V]):
    """A dictionary that starts anew when it is full."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def learn(self, more: dict[K, V]) -> None:
        if len(self) + len(more) > self._limit:
            self.clear()
        self.update(more)


Name = tuple[Kind, str]
Term = tuple[int, int, str, str]
"""Tenant, parameter, folded, text."""
Unit = tuple[str, int, int]
"""Code, system, kind."""
Identity = tuple[int, int, Compact]
"""Tenant, type, logical id."""


class Size(NamedTuple):
    """How many candidates were counted, and whether there is no need to count on."""

    n: int
    whole: bool


def _of(limit: int) -> Bounded[K, int]:
    return Bounded(limit)


@dataclass(slots=True)
class Known:
    """What readers remember together."""

    names: Bounded[Name, int] = field(default_factory=lambda: _of(100_000))
    units: Bounded[Unit, int] = field(default_factory=lambda: _of(20_000))
    terms: Bounded[Term, int] = field(default_factory=lambda: _of(50_000))
    rids: Bounded[Identity, int] = field(default_factory=lambda: _of(100_000))
    types: dict[int, str] = field(default_factory=dict)
    sizes: Bounded[tuple[int, Node], Size] = field(default_factory=lambda: Bounded(10_000))

    sets: Bounded[tuple[int, frozenset[tuple[str, str]]], frozenset[int]] = field(
        default_factory=lambda: Bounded(50)
    )
    """Rows of large sets of resources, all of which are known; see plans.selves."""

    shapes: dict[tuple[object, ...], str | None] = field(default_factory=dict)
    """Texts of the usual searches, see plans.usual."""

    def forget(self) -> None:
        ids = (self.names, self.units, self.terms, self.rids, self.types)
        for memory in (*ids, self.sizes, self.sets):
            memory.clear()


FIND_NAME = "SELECT id FROM name WHERE kind = ? AND text = ?"
FIND_RID = "SELECT rid FROM resource WHERE tenant = ? AND type = ? AND fhir_id = ?"


_MOST_HELD = 1_000


class Lookup:
    """Looks ids up for a reader, through one connection."""

    def __init__(self, connection: Connection, known: Known) -> None:
        self.connection = connection
        self.known = known
        self._held: dict[int, frozenset[int]] = {}
        self._numbers: dict[frozenset[int], int] = {}
        self._last = 0
        connection.create_function("held", 2, self._holds, deterministic=True)

    def hold(self, rids: frozenset[int]) -> int:
        """A number by which the SQL function `held(number, rid)` knows a set in the statement that
        is made now. SQLite would put a list together anew for every candidate."""
        number = self._numbers.get(rids)
        if number is None:
            if len(self._held) >= _MOST_HELD:
                self._held.clear()
                self._numbers.clear()
            self._last += 1
            number = self._numbers[rids] = self._last
            self._held[number] = rids
        return number

    def _holds(self, number: int, rid: int) -> bool:
        return rid in self._held[number]

    def name(self, kind: Kind, text: str) -> int | None:
        """None where nobody has used it yet, so that nothing can be found by it."""
        id = self.known.names.get((kind, text))
        if id is None:
            row = self.connection.execute(FIND_NAME, (int(kind), text)).fetchone()
            if row is None:
                return None
            id = int(row[0])
            self.known.names.learn({(kind, text): id})
        return id

    def type_name(self, id: int) -> str:
        """The other way round, for types."""
        name = self.known.types.get(id)
        if name is None:
            sql = "SELECT id, text FROM name WHERE kind = ?"
            self.known.types.update(self.connection.execute(sql, (int(Kind.TYPE),)))
            name = self.known.types[id]
        return name

    def rid(self, tenant: int, type: str, id: str) -> int | None:
        type_id = self.name(Kind.TYPE, type)
        if type_id is None:
            return None
        identity = (tenant, type_id, compact(id))
        rid = self.known.rids.get(identity)
        if rid is None:
            row = self.connection.execute(FIND_RID, identity).fetchone()
            if row is None:
                return None
            rid = int(row[0])
            self.known.rids.learn({identity: rid})
        return rid

    def params(self, param: Param) -> list[tuple[Kind, int]]:
        """Every id of a parameter, what stands beside it (`X:text`) included."""
        kinds = ",".join(str(int(kind)) for kind in PARAM_KINDS)
        sql = (
            f"SELECT kind, id FROM name WHERE kind IN ({kinds}) AND "
            "(text = ? OR text >= ? AND text < ?)"
        )
        rows = self.connection.execute(sql, (param, f"{param}:", f"{param};"))
        return [(Kind(kind), id) for kind, id in rows]
