"""One test of a `_filter`, `path operator value`, as a criterion (FHIR R4, 3.1.3.2).

What an operator means depends on the type of the parameter that the path ends at; the table says
by which modifier or prefix a plain search would ask the same.
"""

from __future__ import annotations

from collections.abc import Set
from typing import NamedTuple

from msgspec.structs import replace

from careplane.fhir.definitions.search import SearchType
from careplane.search.criteria import ANY, Budget
from careplane.search.criteria import node as criterion
from careplane.search.criterion import Setting, invalid, shown, unsupported
from careplane.search.fold import fold
from careplane.search.plan import (
    And,
    Chain,
    Date,
    Has,
    Node,
    Not,
    Or,
    Prefix,
    Text,
    TextMode,
    all_of,
)

_KEY = "_filter"


class _Way(NamedTuple):
    """How a plain search asks: `modifier` after the key, `prefix` before the value."""

    modifier: str = ""
    prefix: str = ""


_ORDERED = {
    name: _Way(prefix=name) for name in ("eq", "ne", "gt", "lt", "ge", "le", "ap", "sa", "eb")
}
_WAYS: dict[SearchType, dict[str, _Way]] = {
    "string": {"eq": _Way(), "co": _Way("contains"), "sw": _Way()},
    "token": {
        "eq": _Way(),
        "in": _Way("in"),
        "ni": _Way("not-in"),
        "ss": _Way("below"),
        "sb": _Way("above"),
    },
    "reference": {"eq": _Way(), "re": _Way()},
    "uri": {"eq": _Way()},
    "date": _ORDERED | {"po": _Way(prefix="eq")},
    "number": _ORDERED,
    "quantity": _ORDERED,
    "composite": {"eq": _Way()},
    "special": {"eq": _Way()},
}
OPERATORS = frozenset({"pr", "ew"}.union(*_WAYS.values()))


def node(
    types: Set[str], path: str, operator: str, value: str, setting: Setting, budget: Budget
) -> Node:
    """Raises UnknownParameter, Invalid, Unsupported."""
    if operator not in OPERATORS:
        raise invalid(_KEY, f"{shown(operator)} is no operator")
    if operator == "pr":
        if value not in ("true", "false"):
            raise invalid(_KEY, "after pr write true or false")
        missing = "false" if value == "true" else "true"
        return criterion(types, f"{path}:missing", missing, setting, budget)
    ways = _ways(types, path, setting)
    if operator == "ne" and "ne" not in ways:
        return _unequal(types, path, value, setting, budget)
    way = ways.get(operator)
    if way is None:
        raise unsupported(_KEY, f"{operator} is not offered for {shown(path)}")
    key = f"{path}:{way.modifier}" if way.modifier else path
    found = criterion(types, key, way.prefix + _escaped(value), setting, budget)
    if operator == "po":
        return _overlapping(found)
    return _same(found, value) if operator == "eq" else found


def _unequal(types: Set[str], path: str, value: str, setting: Setting, budget: Budget) -> Node:
    """There is a value, and it is not this one."""
    present = criterion(types, f"{path}:missing", "false", setting, budget)
    return all_of(present, Not(node(types, path, "eq", value, setting, budget)))


def _ways(types: Set[str], path: str, setting: Setting) -> dict[str, _Way]:
    ends = _ends(types or {ANY}, path, setting)
    kinds = [_WAYS[end] for end in sorted(ends)]
    if not kinds:
        return _WAYS["special"]  # the criterion says that there is no such parameter
    return {name: way for name, way in kinds[0].items() if all(k.get(name) == way for k in kinds)}


def _ends(types: Set[str], path: str, setting: Setting) -> set[SearchType]:
    """The types of the parameters that a path may end at."""
    if path.startswith("_has:"):
        _, _, rest = path.partition(":")
        source, _, rest = rest.partition(":")
        return _ends({source}, rest.partition(":")[2], setting)
    head, dot, rest = path.partition(".")
    code, _, target = head.partition(":")
    found = [p for t in sorted(types) if (p := setting.registry.lookup(t, code))]
    if not dot:
        return {p.type for p in found}
    targets = {target} if target else {t for p in found for t in p.targets}
    return _ends(targets, rest, setting) if targets else set()


def _same(found: Node, value: str) -> Node:
    """`eq` on a text is the whole of it, folded."""
    match found:
        case Text(_, TextMode.STARTS, _):
            return replace(found, mode=TextMode.SAME, values=(fold(value),))
        case And(parts) | Or(parts):
            return replace(found, parts=tuple(_same(part, value) for part in parts))
        case Chain() | Has():
            return replace(found, where=_same(found.where, value))
    return found


def _overlapping(found: Node) -> Node:
    match found:
        case Date():
            return replace(found, prefix=Prefix.AP)
        case And(parts) | Or(parts):
            return replace(found, parts=tuple(map(_overlapping, parts)))
        case Chain() | Has():
            return replace(found, where=_overlapping(found.where))
    return found


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(",", "\\,")
