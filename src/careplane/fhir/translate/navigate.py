"""From an item to its children, by the definitions: attributes, choices, extension siblings."""

from __future__ import annotations

from dataclasses import replace

from careplane.fhir.definitions import Element, is_resource, type_definition
from careplane.fhir.structs import attribute
from careplane.fhir.translate.flow import Bind, Branch, Collection, Each, Names, Untranslatable
from careplane.fhir.translate.kinds import is_primitive
from careplane.fhir.translate.render import item

RESOURCE = "Resource"
_HEAD_ELEMENTS = frozenset(("id", "meta", "implicitRules", "language", "contained"))


def child(collection: Collection, name: str, names: Names) -> Collection:
    """The children of that name. Types of a choice that have none are left out."""
    found = [b for branch in collection.branches for b in _children(branch, name, names)]
    single = collection.single and not any(branch.loops for branch in found)
    return Collection(tuple(found), single)


def _children(branch: Branch, name: str, names: Names) -> list[Branch]:
    if branch.type.startswith("System."):
        return []
    if is_primitive(branch.type):
        return _children_of_primitive(branch, name, names)
    if branch.type == RESOURCE:
        return _children_of_raw(branch, name, names)
    element = type_definition(branch.type).elements.get(name)
    if element is None:
        return []
    owner = item(branch, names, branch.type[:1].lower())
    return _elements(owner, element)


def _elements(owner: Branch, element: Element) -> list[Branch]:
    return [
        Branch(
            owner.clauses,
            f"{owner.code}.{attribute(json_name)}",
            type_name,
            optional=True,
            many=element.repeats,
            sibling=_sibling(owner.code, json_name, type_name, element),
        )
        for json_name, type_name in element.json_names.items()
    ]


def _sibling(owner: str, json_name: str, type_name: str, element: Element) -> str | None:
    bare = element.xml_attribute or element.name == "id" or type_name == "xhtml"
    return f"{owner}.{attribute(f'_{json_name}')}" if is_primitive(type_name) and not bare else None


def _children_of_primitive(branch: Branch, name: str, names: Names) -> list[Branch]:
    """Only `id` and `extension`, which stand in the sibling."""
    element = type_definition("Element").elements.get(name)
    if element is None or branch.sibling is None:
        return []
    var = names.fresh("x")
    if branch.many:
        each = Each(var, branch.sibling, optional=True, holes=True)
        owner = Branch((*branch.clauses, each), var, "Element")
    else:
        owner = Branch((*branch.clauses, Bind(var, branch.sibling)), var, "Element")
    return _elements(owner, element)


def _children_of_raw(branch: Branch, name: str, names: Names) -> list[Branch]:
    """A resource inside of a resource is bytes; `head` reads what all resources have."""
    if name not in _HEAD_ELEMENTS:
        raise Untranslatable(f"{name} of a resource of unknown type")
    raw = item(branch, names)
    var = names.fresh("h")
    owner = Branch((*raw.clauses, Bind(var, f"head({raw.code})")), var, "DomainResource")
    return [
        replace(branch, sibling=None)
        for branch in _elements(owner, type_definition("DomainResource").elements[name])
    ]


def names_a_type(name: str) -> bool:
    """Whether a name at the start of an expression may be a resource type."""
    return is_resource(name) or name in (RESOURCE, "DomainResource")
