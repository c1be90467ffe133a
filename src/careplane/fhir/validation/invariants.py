"""Which invariants are checked, and how where FHIRPath is not the way (FHIR R4, 5.3.3.1).

An invariant is broken when its expression says false. One that says nothing, because a date is less
precise than another or a value is absent, is not broken: see docs/clarifications.md.
"""

from __future__ import annotations

from dataclasses import replace

from careplane.fhir.definitions import Element, Invariant, TypeDef

STRUCTURAL = frozenset({"ele-1", "txt-1", "txt-2"})
"""Invariants that the structural check holds: content of elements, XHTML of narratives."""

SKIPPED: dict[str, str] = {
    "ctm-1": "asks for the type of a resource that another system may hold",
}
"""Invariants that a resource by itself cannot be held to, with the reason."""

CORRECTED: dict[str, str] = {
    # The published expression says Boolean, which is the type of FHIRPath, not that of FHIR.
    "que-7": "operator = 'exists' implies (answer is boolean)",
}
"""Invariants whose published expression does not say their sentence, with one that does."""

NATIVE: dict[str, str] = {
    # `r` is the program.Root around the element.
    "ref-1": "(t := o.reference) is not None and t[0] == '#' and t[1:] not in r.ids",
    # Held against the bytes in `fast`, where they are at hand.
    "dom-3": "",
    "que-2": "not distinct_links(o)",
    "csd-1": "not distinct_concepts(o)",
    "cnt-3": (
        "o.value is not None and (o.code is None or '.' in str(o.value))"
        " or o.code not in (None, '1') or o.system not in (None, 'http://unitsofmeasure.org')"
    ),
    # For these the slow path is asked whenever their elements are there.
    "tim-9": "o.offset is not None",
    "eld-2": "o.min is not None and o.max not in (None, '*') and not maximum_holds(o.min, o.max)",
    "sdf-8": "True",
    "sdf-8a": "True",
    "sdf-9": "True",
}
"""Invariant -> Python over the struct `o` that is true where it may be broken. For expressions that
are beyond the translator, or cheaper so."""

NEEDS: dict[str, str] = dict.fromkeys(("dom-2", "dom-4", "dom-5"), "o.contained is not None")
"""Invariant -> the condition under which it can be broken at all; saves the rest."""


def of_type(definition: TypeDef) -> list[Invariant]:
    """The invariants of a type that FHIRPath has to answer."""
    return [_corrected(i) for i in definition.invariants if _is_asked(i)]


def of_element(element: Element) -> list[Invariant]:
    """The invariants that one element adds to those of its type."""
    return [_corrected(i) for i in element.invariants if _is_asked(i)]


def _corrected(invariant: Invariant) -> Invariant:
    expression = CORRECTED.get(invariant.key)
    return invariant if expression is None else replace(invariant, expression=expression)


def _is_asked(invariant: Invariant) -> bool:
    return invariant.key not in STRUCTURAL and invariant.key not in SKIPPED
