"""Time, tracing, naming (FHIRPath 2.0, 5.9 Utility functions; defineVariable of 2.1)."""

from __future__ import annotations

from careplane.fhir.fhirpath.calling import Arguments, value
from careplane.fhir.fhirpath.errors import EvaluationError
from careplane.fhir.fhirpath.items import Collection
from careplane.fhir.fhirpath.scope import Scope
from careplane.fhir.fhirpath.values.temporal import Date, Time, instant


def now(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    return [instant(scope.run.now())]


def today(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    return [Date(instant(scope.run.now()).parts[:3])]


def time_of_day(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    return [Time(instant(scope.run.now()).parts[3:])]


def trace(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """Show the input, or a projection of it, to the caller's trace; return the input."""
    name = value(arguments[0](scope), str, "trace()")
    sink = scope.run.environment.trace
    if sink is not None:
        shown = arguments[1](scope.nested(focus)) if len(arguments) > 1 else focus
        sink(name or "", list(shown))
    return focus


def define_variable(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """Name the input, or a projection of it, for what follows."""
    name = value(arguments[0](scope), str, "defineVariable()")
    if name is None:
        raise EvaluationError("defineVariable() needs a name.")
    scope.define(name, arguments[1](scope.nested(focus)) if len(arguments) > 1 else focus)
    return focus


def coalesce(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """The first argument that is not empty; those after it are not evaluated."""
    return next((found for argument in arguments if (found := argument(scope))), [])
