"""Items by their place, and sets (FHIRPath 2.0, 5.3 Subsetting)."""

from __future__ import annotations

from careplane.fhir.fhirpath.calling import Arguments, value
from careplane.fhir.fhirpath.errors import EvaluationError
from careplane.fhir.fhirpath.items import Collection
from careplane.fhir.fhirpath.operators.equality import Known
from careplane.fhir.fhirpath.scope import Scope


def first(focus: Collection) -> Collection:
    return focus[:1]


def last(focus: Collection) -> Collection:
    return focus[-1:]


def tail(focus: Collection) -> Collection:
    return focus[1:]


def single(focus: Collection) -> Collection:
    if len(focus) > 1:
        raise EvaluationError(f"single() found {len(focus)} items.")
    return focus


def skip(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    number = value(arguments[0](scope), int, "skip()")
    return [] if number is None else focus[max(number, 0) :]


def take(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    number = value(arguments[0](scope), int, "take()")
    return [] if number is None else focus[: max(number, 0)]


def at(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """`focus[index]`."""
    index = value(arguments[0](scope), int, "An index")
    return [] if index is None or index < 0 else focus[index : index + 1]


def intersect(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """What stands in both, each item once."""
    other, known = Known(scope.run, arguments[0](scope)), Known(scope.run)
    return [item for item in focus if item in other and known.add(item)]


def exclude(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """What does not stand in the other, duplicates and order kept."""
    other = Known(scope.run, arguments[0](scope))
    return [item for item in focus if item not in other]
