"""How functions are called: what arguments they get, and adapters for the common shapes.

A function has the form `run(scope, focus, arguments)`: the focus is the collection before the dot,
the arguments are still to be evaluated, so that `where` can do it once for each item. The adapters
below make such a function from a plain one on values; an empty input or argument makes the result
empty, more than one item or a wrong kind is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeAlias

from careplane.fhir.fhirpath.errors import EvaluationError
from careplane.fhir.fhirpath.items import Collection, Item, kind, single, system
from careplane.fhir.fhirpath.scope import Evaluator, Scope

Arguments: TypeAlias = tuple[Evaluator, ...]
Run: TypeAlias = Callable[[Scope, Collection, Arguments], Collection]

_NAMES: Final = {str: "a string", int: "an integer", Decimal: "a number", bool: "a boolean"}
STEP_CHARACTERS: Final = 16


def value(collection: Collection, wanted: type, what: str) -> Any | None:
    """The single value of the wanted kind in a collection, None where there is none."""
    item = single(collection, what)
    if item is None:
        return None
    found = system(item)
    if wanted is Decimal and type(found) is int:
        return Decimal(found)
    if type(found) is not wanted:
        raise EvaluationError(f"{what} needs {_NAMES[wanted]}, and this is {kind(item)}.")
    return found


def collected(result: Any) -> Collection:
    """What a plain function returned, as a collection."""
    if result is None:
        return []
    return result if type(result) is list else [result]


def on(wanted: type, function: Callable[..., Any], *parameters: type) -> Run:
    """Adapt a function whose input and arguments are single values of the given kinds."""
    what = f"{function.__name__.strip('_')}()"

    def run(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
        subject = value(focus, wanted, what)
        given = [
            value(argument(scope), parameter, what)
            for argument, parameter in zip(arguments, parameters, strict=False)
        ]
        if subject is None or None in given:
            return []
        if wanted is str:
            scope.run.spend(1 + len(subject) // STEP_CHARACTERS)
        return collected(function(subject, *given))

    return run


def on_item(function: Callable[..., Any]) -> Run:
    """Adapt a function of one item that takes no arguments."""
    what = f"{function.__name__.strip('_')}()"

    def run(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
        item = single(focus, what)
        return [] if item is None else collected(function(item))

    return run


def on_all(function: Callable[[Collection], Any]) -> Run:
    """Adapt a function of the whole input that takes no arguments."""

    def run(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
        return collected(function(focus))

    return run


def each(scope: Scope, focus: Collection, expression: Evaluator) -> list[tuple[Item, Collection]]:
    """Every item with the result of an expression on it, `$this` and `$index` set."""
    inner = scope.nested([])
    results = []
    scope.run.spend(1 + len(focus))
    for index, item in enumerate(focus):
        inner.this = [item]
        inner.index = index
        inner.variables = scope.variables
        results.append((item, expression(inner)))
    return results
