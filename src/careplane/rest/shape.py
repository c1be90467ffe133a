"""`_summary` and `_elements`: a part of a resource, marked as such (FHIR R4, 3.1.1.5.8 and 5.9).

Only here is a stored resource parsed on its way out. What is mandatory stays, and the tag SUBSETTED
tells that the rest was left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from careplane.fhir.codec import json
from careplane.fhir.definitions import Element, TypeDef, type_definition
from careplane.fhir.tree import Tree
from careplane.search.results import Summary

SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "Resource encoded in summary mode",
}
_ALWAYS = frozenset({"resourceType", "id", "meta"})
_Keep = Callable[[Element], bool]


@dataclass(frozen=True, slots=True)
class Shape:
    """How much of each resource to show; everything by default."""

    summary: Summary = Summary.FALSE
    elements: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.elements) or self.summary in (Summary.TRUE, Summary.TEXT, Summary.DATA)


def shaped(raw: bytes, shape: Shape) -> bytes:
    """The resource with only what the shape keeps."""
    if not shape:
        return raw
    tree = json.parse(raw)
    keep = _keeper(shape, str(tree["resourceType"]))
    return json.dump(_marked(_part(type_definition(tree["resourceType"]), tree, keep)))


def _keeper(shape: Shape, type: str) -> _Keep:
    if shape.elements:
        names = frozenset(_top(name, type) for name in shape.elements)
        return lambda element: element.name in names or element.min > 0
    return _SUMMARY[shape.summary]


def _top(name: str, type: str) -> str:
    """`name` of `name`, `Patient.name` and `Patient.name.family`."""
    return name.removeprefix(f"{type}.").partition(".")[0]


_SUMMARY: dict[Summary, _Keep] = {
    Summary.TRUE: lambda element: element.summary or element.min > 0,
    Summary.TEXT: lambda element: element.name == "text" or element.min > 0,
    Summary.DATA: lambda element: element.name != "text",
}


def _part(definition: TypeDef, tree: Tree, keep: _Keep) -> Tree:
    kept: Tree = {}
    for name, value in tree.items():
        found = definition.json_names.get(name.removeprefix("_"))
        if name in _ALWAYS or (found and keep(found[0])):
            kept[name] = value
    return kept


def _marked(tree: Tree) -> Tree:
    meta = tree.get("meta", {})
    tags: Iterable[Tree] = [*meta.get("tag", ()), SUBSETTED]
    return tree | {"meta": meta | {"tag": list(tags)}}
