"""`%name`: what FHIR defines, what the caller gives, what the expression names (R4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from careplane.fhir.fhirpath.errors import NotMeaningful
from careplane.fhir.fhirpath.items import Collection
from careplane.fhir.fhirpath.node import Node
from careplane.fhir.fhirpath.scope import Run, Scope

FIXED: Final = {
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "ucum": "http://unitsofmeasure.org",
}
PREFIXED: Final = {
    "vs-": "http://hl7.org/fhir/ValueSet/",
    "ext-": "http://hl7.org/fhir/StructureDefinition/",
}


def _first_node(run: Run) -> Node | None:
    return next((item for item in run.context if type(item) is Node), None)


def _context(run: Run) -> Collection:
    return run.context


def _resource(run: Run) -> Collection:
    """The resource that the context stands in."""
    given = run.environment.resource
    node = _first_node(run)
    found = given or (node.resource() if node else None)
    return [] if found is None else [found]


def _root_resource(run: Run) -> Collection:
    """The same, or the resource that contains it."""
    given = run.environment.root_resource
    node = run.environment.resource or _first_node(run)
    found = given or (node.root() if node else None)
    return [] if found is None else [found]


CONTEXTUAL: Final[dict[str, Callable[[Run], Collection]]] = {
    "context": _context,
    "resource": _resource,
    "rootResource": _root_resource,
}


def constant(name: str) -> str | None:
    """The value of a name that FHIR fixes once and for all."""
    for prefix, base in PREFIXED.items():
        if name.startswith(prefix):
            return base + name.removeprefix(prefix)
    return FIXED.get(name)


def variable(scope: Scope, name: str) -> Collection:
    """The value of any other name; raises NotMeaningful for one that nobody has defined."""
    if name in scope.variables:
        return scope.variables[name]
    if name in CONTEXTUAL:
        return CONTEXTUAL[name](scope.run)
    given = scope.run.environment.variables
    if name not in given:
        raise NotMeaningful(f"There is no constant %{name}.")
    return given[name]
