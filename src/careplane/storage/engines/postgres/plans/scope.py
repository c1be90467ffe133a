"""What a node is compiled in: whose data, under which names, at which candidate.

Nothing that a client sent is ever part of the text: values are bound, and the text of a search
depends on its shape alone, so that it is prepared once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple, Protocol

from careplane.search.plan import Node
from careplane.storage.engines.postgres.names import Names

TRUE, FALSE = "true", "false"
_SET = re.compile("@([0-9]+)@")
_BEGINNING = re.compile("^(EXPLAIN [^)]*[)] )?(WITH )?")
_VALUE = re.compile(r"[$]([0-9]+)::([a-z]+(?:\[\])?)")
_VALUES = 32_767
"""How many a statement takes; beyond, a search has few texts alike anyhow."""
_REMEMBERED = 50_000
"""Characters of the longest text whose numbering is remembered."""


class At(NamedTuple):
    """The candidate that a condition is about: the alias of its row of `resource`, and the number
    of a group of a composite parameter (an SQL expression; "0" is the resource itself)."""

    row: str
    group: str = "0"


@dataclass(slots=True)
class Scope:
    """One statement for one tenant; `args` are its values in the order of $1, $2, ...

    A set that does not depend on the candidate, such as the patients of a care team, may be asked
    for at many places. Where it is, it stands once in front of the statement, and PostgreSQL works
    it out once."""

    tenant: int
    names: Names
    args: list[Any] = field(default_factory=list)
    _aliases: count[int] = field(default_factory=lambda: count(1))
    _tenant: str = ""
    _sets: list[str] = field(default_factory=list)
    _numbers: dict[Hashable, int | None] = field(default_factory=dict)

    def bind(self, value: Any, type: str) -> str:
        """A place in the text for the value."""
        self.args.append(value)
        return f"${len(self.args)}::{type}"

    def statement(self, text: str) -> tuple[str, list[Any]]:
        """The text, and the values that are left in it: conditions may have been dropped."""
        text = self._with_sets(text)
        if len(self.args) > _VALUES:
            text = self._merged(text)
        text, used = _renumbered(text)
        return text, [self.args[number] for number in used]

    def mine(self, alias: str) -> str:
        """That a row of any table is this tenant's."""
        self._tenant = self._tenant or self.bind(self.tenant, "integer")
        return f"{alias}.tenant = {self._tenant}"

    def set_of(self, key: Hashable, select: Callable[[], str]) -> str:
        """Where to select from: a set that is the same wherever this key is; FALSE where there is
        none."""
        if key not in self._numbers:
            text = select()
            if text != FALSE:
                self._sets.append(text)
            self._numbers[key] = None if text == FALSE else len(self._sets) - 1
        number = self._numbers[key]
        return FALSE if number is None else f"@{number}@"

    def _with_sets(self, text: str) -> str:
        """Sets that are used once stand where they are used, the others in front."""
        uses = Counter(_SET.findall(text))
        for number in range(len(self._sets) - 1, -1, -1):  # the inner ones have lower numbers
            if uses[str(number)]:
                uses.update(_SET.findall(self._sets[number]))
        done: list[str] = []

        def place(found: re.Match[str]) -> str:
            number = found[1]
            return f"s{number}" if uses[number] > 1 else f"({done[int(number)]}) s{number}"

        for select in self._sets:
            done.append(_SET.sub(place, select))
        front = [f"s{n} AS MATERIALIZED ({one})" for n, one in enumerate(done) if uses[str(n)] > 1]
        text = _SET.sub(place, text)
        return _BEGINNING.sub(lambda found: _with(found, front), text, count=1) if front else text

    def _merged(self, text: str) -> str:
        """Values that are alike have one place: more of them than a statement takes are few."""
        places: dict[tuple[str, str], str] = {}

        def place(found: re.Match[str]) -> str:
            alike = (repr(self.args[int(found[1]) - 1]), found[2])
            return places.setdefault(alike, found[0])

        return _VALUE.sub(place, text)

    def alias(self) -> str:
        """A name that no other table in the statement has."""
        return f"x{next(self._aliases)}"


def _with(found: re.Match[str], front: Iterable[str]) -> str:
    """How a statement begins that has these in front."""
    return f"{found[1] or ''}WITH {', '.join(front)}{', ' if found[2] else ' '}"


def _renumbered(text: str) -> tuple[str, tuple[int, ...]]:
    return _numbered_once(text) if len(text) <= _REMEMBERED else _numbered(text)


@lru_cache(maxsize=2_000)
def _numbered_once(text: str) -> tuple[str, tuple[int, ...]]:
    return _numbered(text)


def _numbered(text: str) -> tuple[str, tuple[int, ...]]:
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
