"""Down the tree (FHIRPath 2.0, 5.8 Tree navigation)."""

from __future__ import annotations

from careplane.fhir.fhirpath.calling import Arguments
from careplane.fhir.fhirpath.items import Collection
from careplane.fhir.fhirpath.node import Node
from careplane.fhir.fhirpath.scope import Scope


def children(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    found: Collection = []
    for item in focus:
        if type(item) is Node:
            found += item.children()
    scope.run.spend(1 + len(found))
    return found


def descendants(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """The children, their children and so on: level by level, without the focus itself."""
    found: Collection = []
    level = children(scope, focus, arguments)
    while level:
        found += level
        level = children(scope, level, arguments)
    return found
