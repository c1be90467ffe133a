"""Two collections as one (FHIRPath 2.0, 5.4 Combining)."""

from __future__ import annotations

from careplane.fhir.fhirpath.calling import Arguments
from careplane.fhir.fhirpath.items import Collection
from careplane.fhir.fhirpath.operators import membership
from careplane.fhir.fhirpath.scope import Scope


def union(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    return membership.union(scope.run, focus, arguments[0](scope))


def combine(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """Both, duplicates included."""
    other = arguments[0](scope)
    scope.run.spend(len(focus) + len(other))
    return [*focus, *other]
