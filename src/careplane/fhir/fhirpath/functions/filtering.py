"""Choosing, projecting, following (FHIRPath 2.0, 5.2 Filtering and projection; 7 Aggregates)."""

from __future__ import annotations

from typing import Protocol

from careplane.fhir.fhirpath.calling import Arguments, each
from careplane.fhir.fhirpath.errors import EvaluationError
from careplane.fhir.fhirpath.items import Collection, Item, single, truth
from careplane.fhir.fhirpath.operators.comparison import order
from careplane.fhir.fhirpath.operators.equality import Known
from careplane.fhir.fhirpath.scope import Evaluator, Scope


def where(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    results = each(scope, focus, arguments[0])
    return [item for item, result in results if truth(result, "A criterion") is True]


def select(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    found = [one for _, result in each(scope, focus, arguments[0]) for one in result]
    scope.run.spend(len(found))
    return found


def repeat(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """What the projection finds, and finds in what it found, each item once."""
    known = Known(scope.run)
    found: Collection = []
    waiting = focus
    while waiting:
        results = each(scope, waiting, arguments[0])
        waiting = [one for _, result in results for one in result if known.add(one)]
        found += waiting
    return found


def repeat_all(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """The same without looking for duplicates: the budget is what ends a cycle."""
    found: Collection = []
    waiting = focus
    while waiting:
        waiting = [one for _, result in each(scope, waiting, arguments[0]) for one in result]
        found += waiting
    return found


def aggregate(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """Fold the items; `$total` begins as the second argument, or as nothing."""
    inner = scope.nested([])
    inner.total = arguments[1](scope) if len(arguments) > 1 else []
    for index, item in enumerate(focus):
        inner.this, inner.index, inner.variables = [item], index, scope.variables
        scope.run.spend(1 + len(inner.total or ()))
        inner.total = arguments[0](inner)
    return inner.total or []


class SortKey(Protocol):
    """A compiled argument of `sort`: what to sort by, and in which direction."""

    @property
    def descending(self) -> bool: ...

    @property
    def evaluate(self) -> Evaluator: ...


def sort(scope: Scope, focus: Collection, keys: tuple[SortKey, ...]) -> Collection:
    """Sort by each key in turn; an item without a value for a key stands before those with one.

    From the last key to the first, as sorting is stable.
    """
    ordered = list(focus)
    for key in reversed(keys):
        ordered = _sorted(scope, ordered, key)
    return ordered if keys else _sorted(scope, ordered, None)


def _itself(scope: Scope) -> Collection:
    return scope.this


def _sorted(scope: Scope, focus: Collection, key: SortKey | None) -> Collection:
    rows = each(scope, focus, key.evaluate if key is not None else _itself)
    scope.run.spend(len(rows) * len(rows).bit_length())
    valued = [
        _Row(item, value)
        for item, result in rows
        if (value := single(result, "sort()")) is not None
    ]
    valued.sort(reverse=key is not None and key.descending)
    return [item for item, result in rows if not result] + [row.item for row in valued]


class _Row:
    """An item with its key, ordered as `<` orders the keys."""

    __slots__ = ("item", "value")

    def __init__(self, item: Item, value: Item) -> None:
        self.item = item
        self.value = value

    def __lt__(self, other: _Row) -> bool:
        found = order(self.value, other.value)
        if found is None:
            raise EvaluationError("sort() cannot order values of different precision or unit.")
        return found < 0
