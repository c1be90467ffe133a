"""Three-valued logic (FHIRPath 2.0, 6.5). The right side is evaluated only where it matters."""

from __future__ import annotations

from careplane.fhir.fhirpath.items import truth
from careplane.fhir.fhirpath.scope import Evaluator, Scope


def both(scope: Scope, left: Evaluator, right: Evaluator) -> bool | None:
    """`and`."""
    one = truth(left(scope), "and")
    if one is False:
        return False
    other = truth(right(scope), "and")
    return other if one or other is False else None


def either(scope: Scope, left: Evaluator, right: Evaluator) -> bool | None:
    """`or`."""
    one = truth(left(scope), "or")
    if one:
        return True
    other = truth(right(scope), "or")
    return other if one is False or other else None


def one_of(scope: Scope, left: Evaluator, right: Evaluator) -> bool | None:
    """`xor`."""
    one, other = truth(left(scope), "xor"), truth(right(scope), "xor")
    return None if one is None or other is None else one is not other


def implies(scope: Scope, left: Evaluator, right: Evaluator) -> bool | None:
    """`implies`."""
    one = truth(left(scope), "implies")
    if one is False:
        return True
    other = truth(right(scope), "implies")
    return other if one or other else None
