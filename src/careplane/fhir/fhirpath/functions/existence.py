"""Is there any, are all, how many (FHIRPath 2.0, 5.1 Existence)."""

from __future__ import annotations

from collections.abc import Callable

from careplane.fhir.fhirpath.calling import Arguments
from careplane.fhir.fhirpath.errors import EvaluationError
from careplane.fhir.fhirpath.items import Collection, system, truth
from careplane.fhir.fhirpath.operators.equality import Known, distinct
from careplane.fhir.fhirpath.scope import Scope


def empty(focus: Collection) -> bool:
    return not focus


def count(focus: Collection) -> int:
    return len(focus)


def exists(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """Whether there is an item, or one that meets the criterion."""
    if not arguments:
        return [bool(focus)]
    return [_any(scope, focus, arguments[0], True)]


def all_(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """Whether the criterion is true of every item; true where there is none."""
    return [not _any(scope, focus, arguments[0], False)]


def _any(scope: Scope, focus: Collection, criterion: Callable[..., Collection], met: bool) -> bool:
    """Whether an item meets the criterion (or fails to), looking no further than needed."""
    inner = scope.nested([])
    for index, item in enumerate(focus):
        scope.run.spend(1)
        inner.this, inner.index, inner.variables = [item], index, scope.variables
        if (truth(criterion(inner), "A criterion") is True) is met:
            return True
    return False


def not_(focus: Collection) -> bool | None:
    found = truth(focus, "not()")
    return None if found is None else not found


def all_true(focus: Collection) -> bool:
    return all(_booleans(focus, "allTrue()"))


def any_true(focus: Collection) -> bool:
    return any(_booleans(focus, "anyTrue()"))


def all_false(focus: Collection) -> bool:
    return not any(_booleans(focus, "allFalse()"))


def any_false(focus: Collection) -> bool:
    return not all(_booleans(focus, "anyFalse()"))


def _booleans(focus: Collection, what: str) -> list[bool]:
    found = [system(item) for item in focus]
    if any(type(value) is not bool for value in found):
        raise EvaluationError(f"{what} takes booleans only.")
    return [value is True for value in found]


def distinct_(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    return distinct(scope.run, focus)


def is_distinct(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    known = Known(scope.run)
    return [all(known.add(item) for item in focus)]


def _contained(scope: Scope, part: Collection, whole: Collection) -> bool:
    known = Known(scope.run, whole)
    return all(item in known for item in part)


def subset_of(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    return [_contained(scope, focus, arguments[0](scope))]


def superset_of(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    return [_contained(scope, arguments[0](scope), focus)]
