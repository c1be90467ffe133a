"""What a node is compiled in: whose data, under which names, at which candidate.

Nothing that a client sent is ever part of the text: values are bound, and the text of a search
depends on its shape alone, so that it is prepared once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple, Protocol

from careplane.search.plan import Node
from careplane.storage.engines.postgres.names import Names

TRUE, FALSE = "true", "false"


class At(NamedTuple):
    """The candidate that a condition is about: the alias of its row of `resource`, and the number
    of a group of a composite parameter (an SQL expression; "0" is the resource itself)."""

    row: str
    group: str = "0"


@dataclass(slots=True)
class Scope:
    """One statement for one tenant; `args` are its values in the order of $1, $2, ..."""

    tenant: int
    names: Names
    args: list[Any] = field(default_factory=list)
    _aliases: count[int] = field(default_factory=lambda: count(1))

    def bind(self, value: Any, type: str) -> str:
        """A place in the text for the value."""
        self.args.append(value)
        return f"${len(self.args)}::{type}"

    def statement(self, text: str) -> tuple[str, list[Any]]:
        """The text, and the values that are left in it: conditions may have been dropped."""
        text, used = _renumbered(text)
        return text, [self.args[number] for number in used]

    def mine(self, alias: str) -> str:
        """That a row of any table is this tenant's."""
        return f"{alias}.tenant = {self.bind(self.tenant, 'integer')}"

    def alias(self) -> str:
        """A name that no other table in the statement has."""
        return f"x{next(self._aliases)}"


@lru_cache(maxsize=2_000)
def _renumbered(text: str) -> tuple[str, tuple[int, ...]]:
    places: dict[str, int] = {}

    def place(found: re.Match[str]) -> str:
        return f"${places.setdefault(found.group(1), len(places) + 1)}"

    text = re.sub(r"\$(\d+)", place, text)
    return text, tuple([int(number) - 1 for number in places])


class Compiler(Protocol):
    """How a family of nodes reaches the others."""

    def __call__(self, node: Node, scope: Scope, at: At) -> str:
        """A condition on the candidate; true or false, never null."""


def both(conditions: Iterable[str]) -> str:
    """All conditions."""
    found = [one for one in conditions if one != TRUE]
    if FALSE in found:
        return FALSE
    return " AND ".join(f"({one})" for one in found) if found else TRUE


def either(conditions: Iterable[str]) -> str:
    """Any condition."""
    found = [one for one in conditions if one != FALSE]
    if TRUE in found:
        return TRUE
    return " OR ".join(f"({one})" for one in found) if found else FALSE


def has_any(keys: Iterable[int], scope: Scope, at: At) -> str:
    """The candidate has one of the keys."""
    wanted = sorted(set(keys))
    return has_any_of(scope.bind(wanted, "bigint[]"), at) if wanted else FALSE


MANY = 500
"""Values from which on a set is hashed, once for a statement, instead of being gone through for
every candidate; an index on it would be asked as many times, and is left alone."""


def has_any_of_many(keys: Iterable[int], scope: Scope, at: At) -> str:
    """As `has_any`. Within an aggregate the set stays a subquery of its own, which is hashed under
    a generic plan as well."""
    if at.group != "0":
        return has_any(keys, scope, at)
    key, among = scope.alias(), f"(SELECT unnest({scope.bind(sorted(set(keys)), 'bigint[]')}))"
    held = f"SELECT bool_or({key} IN {among}) FROM unnest({at.row}.keys) {key}"
    return f"COALESCE(({held}), FALSE)"


def has_any_of(array: str, at: At) -> str:
    """The candidate has one of the keys of an array, an SQL expression."""
    if at.group == "0":
        return f"{at.row}.keys && {array}"
    return f"{at.row}.group_keys && ARRAY(SELECT k # {at.group} FROM unnest({array}) k)"
