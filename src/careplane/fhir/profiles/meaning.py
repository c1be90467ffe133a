"""What a resource means, apart from any profile: codes, extensions and references of all its
elements, and the profiles that the resources in it claim."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from careplane.fhir.definitions import Element, required_codings, type_definition
from careplane.fhir.fhirpath import Node
from careplane.fhir.profiles.coded import binding_issues, coding_issues
from careplane.fhir.profiles.definition import definition_issues
from careplane.fhir.profiles.extensions import extension_issues
from careplane.fhir.profiles.implied import implied
from careplane.fhir.profiles.measures import measure_issues
from careplane.fhir.profiles.places import place
from careplane.fhir.profiles.rules import Bound, TypeRule
from careplane.fhir.profiles.targets import reference_issues
from careplane.fhir.profiles.terminologies import terminology_issues
from careplane.fhir.profiles.walk import Walk
from careplane.kernel.errors import Issue

_TAG = re.compile(r"<[/!?]?[A-Za-z]").search
_CORE = "http://hl7.org/fhir/StructureDefinition/"


def meaning_issues(root: Node, walk: Walk) -> Iterator[Issue]:
    """All that is to be said of a resource and everything in it."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        walk.context.spend()
        yield from _node(node, walk)
        waiting.extend(reversed(node.children()))


def _node(node: Node, walk: Walk) -> Iterator[Issue]:
    if node.is_resource:
        yield from claimed(node, walk)
        required = implied(node) if walk.context.options.vital_signs else None
        program = walk.program(required) if required is not None else None
        if program is not None:
            yield from walk.conform(node, program)
    if node.type == "StructureDefinition" and node.is_resource:
        yield from definition_issues(node, walk)
    elif node.type == "Measure" and node.is_resource:
        yield from measure_issues(node, walk)
    elif node.type in ("ValueSet", "ConceptMap") and node.is_resource:
        yield from terminology_issues(node, walk)
    if node.type == "Extension":
        yield from extension_issues(node, walk)
    elif node.type == "Coding":
        yield from coding_issues(node, walk.context.codes, walk.context.options)
    elif node.type == "string" and walk.context.options.plain_text and _has_tags(node.value):
        text = "The text has what looks like tags of HTML, which are not allowed here"
        yield Issue("error", "invalid", text, place(node))
    if node.parent is None:
        return
    asked = _asked(node.parent.type, node.name)
    if asked is None:
        return
    bound, types = asked
    if node.type == "code" and node.value is None:
        bound = _required(node.parent.type, node.name)
    if bound is not None:
        yield from binding_issues(node, bound, walk.context.codes, "")
    if types and node.type == "Reference":
        yield from reference_issues(node, types, walk, "")


def _has_tags(text: object) -> bool:
    return isinstance(text, str) and _TAG(text) is not None


def claimed(node: Node, walk: Walk) -> Iterator[Issue]:
    """A resource held against the profiles of its meta.profile, those that are known."""
    for meta in node.child("meta"):
        for index, claim in enumerate(meta.child("profile")):
            if not isinstance(claim.value, str):
                continue
            program = walk.program(claim.value)
            if program is None:
                text = "The profile that is claimed is not known here; install its package"
                yield Issue("warning", "not-found", text, f"{place(meta)}.profile[{index}]")
            else:
                yield from walk.conform(node, program)


@cache
def _asked(owner: str, name: str) -> tuple[Bound | None, tuple[TypeRule, ...]] | None:
    """The binding of an element, where base validation does not hold it, and its target types."""
    try:
        element = type_definition(owner).elements.get(name)
    except KeyError:
        return None
    if element is None or not (element.binding or element.targets):
        return None
    targets = tuple(_CORE + t for t in element.targets)
    types = (TypeRule("Reference", (), targets),) if targets else ()
    return _bound(element), types


def _required(owner: str, name: str) -> Bound | None:
    """What a code that is absent, with a reason or not, does not keep to."""
    binding = type_definition(owner).elements[name].binding
    is_required = binding is not None and binding.strength == "required"
    return Bound("required", binding.value_set) if binding is not None and is_required else None


def _bound(element: Element) -> Bound | None:
    binding = element.binding
    if binding is None or binding.strength == "example":
        return None
    if binding.strength == "required" and required_codings(binding.value_set) is not None:
        return None
    return Bound(binding.strength, binding.value_set)
