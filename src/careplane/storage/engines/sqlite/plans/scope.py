"""What a node is compiled in: whose data, at which candidate, with which names at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple, Protocol

from careplane.search.plan import Node
from careplane.storage.engines.sqlite.known import Kind, Lookup
from careplane.storage.engines.sqlite.plans.sql import Sql


class At(NamedTuple):
    """The candidate that a check is about: an SQL expression for its row number, and the alias of
    its row of `resource`. Inside a composite parameter the two differ."""

    row: str
    resource: str


@dataclass(slots=True)
class Scope:
    """One search of one tenant."""

    tenant: int
    lookup: Lookup
    moment: Callable[[int], int]
    """The first `t` whose version was written at or after this moment, in microseconds."""
    _aliases: count[int] = field(default_factory=lambda: count(1))

    def alias(self) -> str:
        """A name that no other table in the statement has."""
        return f"x{next(self._aliases)}"

    def types(self, names: frozenset[str]) -> list[int]:
        """Ids of the types that are in use at all."""
        ids = (self.lookup.name(Kind.TYPE, name) for name in sorted(names))
        return [id for id in ids if id is not None]


class Compiler(Protocol):
    """How a family of nodes reaches the others."""

    def check(self, node: Node, scope: Scope, at: At) -> Sql:
        """A condition on the candidate."""

    def source(self, node: Node, scope: Scope) -> Sql | None:
        """A SELECT of one column, rid: at least all that match, some perhaps twice. None where that
        would be no better than looking at everything."""
