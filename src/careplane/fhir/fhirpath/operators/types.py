"""`is`, `as` and what they and `ofType` look for (FHIRPath 2.0, 6.3; FHIR R4, fhirpath.html)."""

from __future__ import annotations

from careplane.fhir.definitions import is_primitive, is_subtype, type_definition
from careplane.fhir.fhirpath.ast import TypeName
from careplane.fhir.fhirpath.errors import EvaluationError, NotMeaningful
from careplane.fhir.fhirpath.items import Collection, Item, single, type_of
from careplane.fhir.fhirpath.node import Node
from careplane.fhir.fhirpath.values.types import SYSTEM_TYPES

ROOTS = frozenset(("Resource", "DomainResource", "Element", "BackboneElement"))


def check_type(wanted: TypeName) -> None:
    """Raise NotMeaningful for a type that neither System nor FHIR R4 has."""
    system = wanted.namespace in (None, "System") and wanted.name in SYSTEM_TYPES
    fhir = wanted.namespace in (None, "FHIR") and _is_fhir_type(wanted.name)
    # `x.is(System.Patient)` is false rather than wrong: the namespace is known.
    named = wanted.namespace == "System" and _is_fhir_type(wanted.name)
    if not (system or fhir or named):
        raise NotMeaningful(f"There is no type {wanted.name}.")


def _is_fhir_type(name: str) -> bool:
    try:
        type_definition(name)
    except KeyError:
        return False
    return True


def is_type(item: Item, wanted: TypeName) -> bool:
    """Whether an item is of a type or of one derived from it."""
    if type(item) is Node:
        return wanted.namespace in (None, "FHIR") and is_subtype(item.type, wanted.name)
    if wanted.namespace not in (None, "System"):
        return False
    return wanted.name == "Any" or type_of(item).name == wanted.name


def is_kind(item: Item, wanted: TypeName) -> bool:
    """The same for `as` and `ofType`, where a primitive is only what it is declared to be.

    The official suite has `gender.is(string)` true and `gender.ofType(string)` empty.
    """
    if type(item) is Node and is_primitive(wanted.name):
        return wanted.namespace in (None, "FHIR") and item.type == wanted.name
    return is_type(item, wanted)


def tested(focus: Collection, wanted: TypeName) -> Collection:
    """`is`: of a single item; none is none."""
    item = single(focus, "is")
    return [] if item is None else [is_type(item, wanted)]


def filtered(focus: Collection, wanted: TypeName) -> Collection:
    """`ofType`, and `as` as an operator: the items of the type.

    `(Group.characteristic.value as CodeableConcept)` of R4's own search parameters needs the
    operator to take many items, see docs/clarifications.md.
    """
    return [item for item in focus if is_kind(item, wanted)]


def cast(focus: Collection, wanted: TypeName) -> Collection:
    """`as` as a function: of a single item."""
    if len(focus) > 1:
        raise EvaluationError("as() takes a single item; use ofType() for many.")
    return filtered(focus, wanted)
