"""From `key=value` to a node: what the key names, through chains and `_has` (FHIR R4, 3.1.1.5).

key = code [":" modifier] | code [":" type] "." key | "_has:" type ":" code ":" key
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from functools import lru_cache

from careplane.fhir.definitions import is_resource
from careplane.kernel.errors import CareplaneError, TooLarge
from careplane.search.criterion import (
    Criterion,
    Setting,
    UnknownParameter,
    invalid,
    missing,
    shown,
    unknown,
    unsupported,
)
from careplane.search.kinds import node as leaf
from careplane.search.plan import Chain, Has, Ids, Node, OfType, all_of, any_of
from careplane.search.registry import FULL_TEXT_CODES, Parameter, Registry
from careplane.search.syntax import split, unescape

MAX_DEPTH = 8
"""Links of chains and `_has` in one key."""
MAX_BRANCHES = 2000
"""Types looked at while the criteria of one search are read."""
MAX_READINGS = 200_000
"""How often the values of one search are read, for all these types together."""
_SHORT = 200
_TIMELESS = frozenset({"token", "reference", "date"})
"""What such a criterion asks for depends on nothing but its text; of dates, all but `ap`."""
ANY = "Resource"
"""The type of a search over all of them, which has only what every resource has."""


@dataclass(slots=True)
class Budget:
    """What chains and criteria over several types may still cost in one search."""

    branches: int = MAX_BRANCHES
    readings: int = MAX_READINGS

    def spend(self, key: str, values: int) -> None:
        self.branches -= 1
        self.readings -= values
        if self.branches < 0 or self.readings < 0:
            raise TooLarge(f"{shown(key)}: too many types; name fewer, as in subject:Patient")


def node(types: Set[str], key: str, value: str, setting: Setting, budget: Budget) -> Node:
    """What a criterion asks of resources of these types (none: of any type).

    Raises UnknownParameter where one of the types has no such parameter, or a chain leads nowhere.
    """
    if len(types) > 1:
        return _of_types(types, _Reading(key, tuple(split(value, ",")), setting, budget))
    type = next(iter(types), ANY)
    plain = setting.registry.lookup(type, key)
    if plain is None:
        return _Reading(key, tuple(split(value, ",")), setting, budget).node(type, key)
    if len(value) <= _SHORT and plain.type in _TIMELESS and "ap" not in value:
        return _remembered(setting.registry, type, key, value, setting.base)
    return _plain(plain, key, value, setting)


def _plain(parameter: Parameter, key: str, value: str, setting: Setting) -> Node:
    return leaf(Criterion(parameter, "", tuple(split(value, ",")), key, setting))


@lru_cache(maxsize=8192)
def _remembered(registry: Registry, type: str, key: str, value: str, base: str) -> Node:
    """The same few codes, days and patients are asked for again and again."""
    parameter = registry.lookup(type, key)
    if parameter is None:
        raise AssertionError(key)
    return _plain(parameter, key, value, Setting(registry, base))


def _of_types(types: Set[str], reading: _Reading) -> Node:
    found: list[tuple[str, Node]] = []
    for type in sorted(types):
        reading.budget.spend(reading.key, len(reading.values))
        found.append((type, reading.node(type, reading.key)))
    nodes = {node for _, node in found}
    if len(nodes) == 1:
        return nodes.pop()
    return any_of(*(all_of(OfType(frozenset({type})), node) for type, node in found))


@dataclass(slots=True)
class _Reading:
    """One key on its way from left to right."""

    key: str
    values: tuple[str, ...]
    setting: Setting
    budget: Budget

    def node(self, type: str, key: str, depth: int = 0) -> Node:
        if key.startswith("_has:"):
            return self._has(type, key, depth)
        head, dot, rest = key.partition(".")
        code, _, modifier = head.partition(":")
        if code == "_list":
            return self._list(modifier, dot)
        parameter = self.setting.registry.lookup(type, code)
        if parameter is None:
            raise self._unknown(type, code)
        if dot:
            return self._chain(parameter, modifier, rest, depth + 1)
        return leaf(Criterion(parameter, modifier, self.values, self.key, self.setting))

    def _chain(self, parameter: Parameter, modifier: str, rest: str, depth: int) -> Node:
        """`subject:Patient.name`; without a type, over all types that have the rest."""
        self._check(depth)
        if parameter.type != "reference":
            wrong = unknown if depth > 1 else invalid  # deeper, another type may have a reference
            raise wrong(self.key, f"{shown(parameter.code)} is no reference to go on from")
        if modifier and modifier not in parameter.targets:
            raise invalid(self.key, f"{shown(parameter.code)} never refers to {shown(modifier)}")
        types: dict[Node, set[str]] = {}
        for target in sorted(parameter.targets) if not modifier else [modifier]:
            where = self._branch(target, rest, depth)
            if where is not None:
                types.setdefault(where, set()).add(target)
        if not types:
            raise self._unknown(modifier or shown(parameter.code), shown(rest))
        return any_of(*(Chain(parameter.param, frozenset(t), w) for w, t in types.items()))

    def _branch(self, target: str, rest: str, depth: int) -> Node | None:
        self.budget.spend(self.key, len(self.values))
        try:
            return self.node(target, rest, depth)
        except UnknownParameter:
            return None

    def _has(self, type: str, key: str, depth: int) -> Node:
        """`_has:Observation:patient:code`: here refers an Observation, by patient, with this."""
        self._check(depth + 1)
        parts = key.split(":", 3)
        if len(parts) != 4 or not is_resource(parts[1]):
            raise invalid(self.key, "write _has:Type:reference:parameter")
        _, source, code, rest = parts
        parameter = self.setting.registry.lookup(source, code)
        if parameter is None:
            raise self._unknown(source, code)
        if parameter.type != "reference" or not (type == ANY or type in parameter.targets):
            raise invalid(self.key, f"{shown(code)} of {source} does not refer to {type}")
        return Has(source, parameter.param, self.node(source, rest, depth + 1))

    def _list(self, modifier: str, dot: str) -> Node:
        """`_list=42`: what the List 42 has as items."""
        item = self.setting.registry.lookup("List", "item")
        ids = frozenset(unescape(value).removeprefix("List/") for value in self.values)
        if item is None or modifier or dot or any(id.startswith("$") for id in ids):
            raise unsupported(self.key, "only the id of a List is understood here")
        if not all(ids):
            raise invalid(self.key, "write the id of a List")
        return Has("List", item.param, Ids(ids))

    def _check(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise TooLarge(f"{shown(self.key)}: more than {MAX_DEPTH} links in one chain")

    def _unknown(self, type: str, code: str) -> CareplaneError:
        if code in FULL_TEXT_CODES and not self.setting.registry.hides(
            type, code
        ):  # not to be left out: it would change what is found
            return unsupported(
                self.key,
                "full-text search is not offered here; where it is off, the operator can set "
                "CAREPLANE_FULL_TEXT=true",
            )
        kind = "every resource" if type == ANY else type
        text = f"there is no search parameter {shown(code)!r} of {kind}"
        return missing(self.setting, self.key, type, code, text)
