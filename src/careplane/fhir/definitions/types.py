"""Types by name: read from the generated table one at a time, and kept."""

from __future__ import annotations

from functools import cache
from typing import Any

from careplane.fhir.definitions.model import Binding, Element, Invariant, TypeDef
from careplane.fhir.generated.names import RESOURCE_TYPES

_RESOURCES = frozenset(RESOURCE_TYPES)
_OPEN = "*"


def is_resource(name: str) -> bool:
    """Whether R4 has a concrete resource of this name."""
    return name in _RESOURCES


@cache
def type_definition(name: str) -> TypeDef:
    """The definition of `Patient`, `Quantity`, `string` or `Observation.component`.

    Raises KeyError for a name that R4 does not have.
    """
    kind, base, abstract, regex, invariants, rows = _table()[name]
    inherited = type_definition(base) if base else None
    elements = dict(inherited.elements) if inherited else {}
    elements.update((row[0], _element(*row)) for row in rows)
    rules = tuple(Invariant(*rule) for rule in invariants)
    if inherited:
        rules = inherited.invariants + rules
        regex = regex or inherited.regex
    return TypeDef(name, kind, base, abstract, elements, rules, regex)


def type_names() -> tuple[str, ...]:
    """Every name that `type_definition` knows."""
    return tuple(_table())


def is_primitive(name: str) -> bool:
    """Whether this is the name of a primitive type (`string`, `dateTime`, `xhtml`)."""
    return name[:1].islower() and name in _table()


def is_subtype(name: str, ancestor: str) -> bool:
    """Whether `name` is `ancestor` or derives from it (`Age` from `Quantity`)."""
    table = _table()
    while name and name != ancestor:
        name = table[name][1] if name in table else ""
    return bool(name)


@cache
def _table() -> dict[str, tuple[Any, ...]]:
    from careplane.fhir.generated.types import TYPES  # half a megabyte: on first use only

    return TYPES


def _element(
    name: str,
    types: tuple[str, ...] | str,
    least: int,
    most: int | None,
    flags: str = "",
    targets: tuple[str, ...] = (),
    binding: tuple[Any, Any] | None = None,
    invariants: tuple[tuple[Any, Any, Any, Any], ...] = (),
) -> Element:
    if types == _OPEN:
        from careplane.fhir.generated.types import OPEN_TYPES  # the types of value[x]

        types = OPEN_TYPES
    assert not isinstance(types, str)
    return Element(
        name,
        types,
        least,
        most,
        choice="C" in flags,
        summary="S" in flags,
        modifier="M" in flags,
        xml_attribute="A" in flags,
        targets=targets,
        binding=Binding(*binding) if binding else None,
        invariants=tuple(Invariant(*rule) for rule in invariants),
    )
