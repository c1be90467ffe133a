"""The catalogue of parameter types: the modifiers of each, and the node that a criterion makes."""

from __future__ import annotations

from collections.abc import Mapping

from careplane.fhir.definitions import is_resource
from careplane.fhir.definitions.search import SearchType
from careplane.search.criterion import Build, Criterion, Modifiers
from careplane.search.plan import Node, Not, Present
from careplane.search.registry import Parameter
from careplane.search.types import (
    composite,
    date,
    number,
    quantity,
    reference,
    special,
    string,
    token,
    uri,
)


def node(criterion: Criterion) -> Node:
    """What the criterion asks for; raises Invalid or Unsupported with the parameter's name."""
    modifiers = _modifiers(criterion.parameter)
    build = modifiers.get(criterion.modifier) or _by_type(modifiers, criterion.modifier)
    if build is None:
        offered = ", ".join(f":{name}" for name in modifiers_of(criterion.parameter))
        raise criterion.unsupported(f"no such modifier for this parameter; it has {offered}")
    return build(criterion)


def modifiers_of(parameter: Parameter) -> tuple[str, ...]:
    """The modifiers that a parameter takes, `[type]` standing for the name of a type."""
    return tuple(name for name in _modifiers(parameter) if name)


def _modifiers(parameter: Parameter) -> Modifiers:
    return _SPECIAL.get(parameter.param) or _TYPES[parameter.type]


def _by_type(modifiers: Modifiers, name: str) -> Build | None:
    return modifiers.get("[type]") if is_resource(name) else None


def _missing(criterion: Criterion) -> Node:
    """Every parameter has `:missing` (3.1.1.4.4)."""
    present = Present(criterion.parameter.param)
    if criterion.values == ("true",):
        return Not(present)
    if criterion.values == ("false",):
        return present
    raise criterion.invalid("write true or false")


def _with_missing(modifiers: Modifiers) -> Modifiers:
    return {"missing": _missing, **modifiers}


_TYPES: Mapping[SearchType, Modifiers] = {
    "string": _with_missing(string.MODIFIERS),
    "token": _with_missing(token.MODIFIERS),
    "date": _with_missing(date.MODIFIERS),
    "reference": _with_missing(reference.MODIFIERS),
    "quantity": _with_missing(quantity.MODIFIERS),
    "number": _with_missing(number.MODIFIERS),
    "uri": _with_missing(uri.MODIFIERS),
    "composite": _with_missing(composite.modifiers(node)),
    "special": {},
}
_SPECIAL = {param: _with_missing(modifiers) for param, modifiers in special.MODIFIERS.items()}
