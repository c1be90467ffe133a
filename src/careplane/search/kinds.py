"""The catalogue of parameter types: the modifiers of each, and the node that a criterion makes."""

from __future__ import annotations

from collections.abc import Mapping

from careplane.fhir.definitions import is_resource
from careplane.fhir.definitions.search import SearchType
from careplane.search.criterion import Build, Criterion, Modifiers
from careplane.search.plan import EVERYTHING, Chain, Node, Not, Present, all_of, any_of
from careplane.search.registry import Parameter
from careplane.search.rows import Param
from careplane.search.types import (
    composite,
    date,
    full_text,
    near,
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
    if criterion.parameter.union:
        return _of_union(criterion)
    modifiers = _modifiers(criterion.parameter)
    build = modifiers.get(criterion.modifier) or _by_type(modifiers, criterion.modifier)
    if build is None:
        offered = ", ".join(f":{name}" for name in modifiers_of(criterion.parameter)) or "none"
        raise criterion.unsupported(f"no such modifier for this parameter; it has {offered}")
    return build(criterion)


def _of_union(criterion: Criterion) -> Node:
    """Any of the parameters of a union has it; what is denied, all of them deny."""
    parameter = criterion.parameter
    nodes = [node(criterion._replace(parameter=parameter.under(p))) for p in parameter.union]
    return (all_of if all(isinstance(n, Not) for n in nodes) else any_of)(*nodes)


def modifiers_of(parameter: Parameter) -> tuple[str, ...]:
    """The modifiers that a parameter takes, `[type]` standing for the name of a type."""
    return tuple(name for name in _modifiers(parameter) if name)


def _modifiers(parameter: Parameter) -> Modifiers:
    return _SPECIAL.get(parameter.param) or _TYPES[parameter.type]


def _by_type(modifiers: Modifiers, name: str) -> Build | None:
    return modifiers.get("[type]") if is_resource(name) else None


def _missing(criterion: Criterion) -> Node:
    """Every parameter has `:missing` (3.1.1.4.4)."""
    parameter = criterion.parameter
    present: Node = Present(parameter.param)
    if parameter.restricted:  # the rows of `subject` also tell of subjects that are no Patient
        present = Chain(parameter.param, parameter.targets, EVERYTHING)
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
_MISSED = {**special.MODIFIERS, Param("Location.near"): near.MODIFIERS}
_SPECIAL: Mapping[Param, Modifiers] = {
    **{param: _with_missing(modifiers) for param, modifiers in _MISSED.items()},
    **full_text.MODIFIERS,
}
SYNTAX: Mapping[SearchType, str] = {
    "string": "Starts with this, whatever the case and accents.",
    "token": "code, system|code, |code (without a system) or system|.",
    "date": "[prefix]date, such as 2024, ge2024-05 or lt2024-05-01T12:00:00Z.",
    "reference": "id, Type/id or an absolute URL; parameter.other=value goes on from there.",
    "quantity": "[prefix]number, number|system|code or number||code.",
    "number": "[prefix]number; as many digits as are meant to count.",
    "uri": "The whole address.",
    "composite": "Values of its components with $ between them.",
    "special": "As its definition says.",
}
"""What a value of each type looks like, in a line for those who write one (3.1.1.4)."""
