"""Where an extension may be used (StructureDefinition.context, contextInvariant; FHIR R4, 5.3)."""

from __future__ import annotations

from collections.abc import Iterator

from careplane.fhir.definitions import type_definition
from careplane.fhir.fhirpath import Environment, Node, evaluate, evaluate_boolean
from careplane.fhir.fhirpath.errors import BudgetSpent, EvaluationError, NotFhirpath, NotMeaningful
from careplane.fhir.profiles.places import place
from careplane.fhir.tree import Tree

# Kinds of resources that R5 names, with a type that R4 has for them.
_LATER = {"CanonicalResource", "MetadataResource"}
_WITH_URL = "url"
_CORE = "http://hl7.org/fhir/StructureDefinition/"
_ALSO = {
    _CORE + "structuredefinition-fhir-type": ("ElementDefinition.type",),
    _CORE + "regex": ("ElementDefinition.type",),
    _CORE + "structuredefinition-normative-version": ("Element",),
}
"""Where R4's own definitions use an extension of R4, and its definition does not say so."""


def misplaced(host: Node, definition: Tree, environment: Environment) -> str:
    """Why an extension may not be used on an element, empty where it may."""
    contexts = [c for c in definition.get("context", ()) if isinstance(c, dict)]
    for expression in _ALSO.get(str(definition.get("url")), ()):
        contexts.append({"type": "element", "expression": expression})
    if contexts and not any(_fits(host, c, environment) for c in contexts):
        allowed = ", ".join(str(c.get("expression")) for c in contexts)
        return f"may be used on {allowed}, not on {next(iter(_names(host)), host.type)}"
    for rule in definition.get("contextInvariant", ()):
        try:
            kept = evaluate_boolean(str(rule), host, environment)
        except (EvaluationError, BudgetSpent, NotFhirpath, NotMeaningful):
            continue
        if not kept:
            return f"may be used only where {rule}"
    return ""


def _fits(host: Node, context: Tree, environment: Environment) -> bool:
    kind, expression = context.get("type"), str(context.get("expression"))
    if kind == "extension":
        return host.type == "Extension" and host.value.get("url") == expression.partition("#")[0]
    if kind == "fhirpath":
        return _is_found(host, expression, environment)
    if expression in _LATER:
        return host.parent is None and _WITH_URL in type_definition(host.type).elements
    if "#" in expression:
        expression = expression.partition("#")[2]
    # Whatever may be extended is an element, the outermost one of a resource too.
    return expression == "Element" or expression.replace("[x]", "") in set(_names(host))


def _is_found(host: Node, expression: str, environment: Environment) -> bool:
    try:
        found = evaluate(expression, host.resource(), environment)
    except (EvaluationError, BudgetSpent, NotFhirpath, NotMeaningful):
        return False
    where = place(host)
    return any(isinstance(one, Node) and place(one) == where for one in found)


def _names(host: Node) -> Iterator[str]:
    """The names that an element goes by, from the most to the least exact."""
    steps: list[str] = []
    node: Node | None = host
    while node is not None:
        for type_name in _types(node.type):
            yield ".".join([type_name, *reversed(steps)])
        if node.is_resource:
            break
        steps.append(node.name)
        node = node.parent


def _types(name: str) -> Iterator[str]:
    while name:
        yield name
        try:
            name = type_definition(name).base
        except KeyError:
            return
