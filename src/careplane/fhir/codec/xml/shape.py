"""What the definitions say of a type, laid out as XML and JSON name it: one table for both ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from careplane.fhir import tree
from careplane.fhir.codec.xml.literal import FROM_TEXT, Value
from careplane.fhir.definitions import Element, is_primitive, is_resource, type_definition

FHIR = "http://hl7.org/fhir"
XHTML = "http://www.w3.org/1999/xhtml"
DIV = f"{{{XHTML}}}div"
SCHEMA_LOCATIONS = frozenset(
    f"{{http://www.w3.org/2001/XMLSchema-instance}}{name}"
    for name in ("schemaLocation", "noNamespaceSchemaLocation")
)
# An element is at most two levels of JSON, its object and its array.
MAX_DEPTH = tree.MAX_DEPTH // 2

Kind = Literal["primitive", "complex", "resource", "xhtml"]


@dataclass(frozen=True, slots=True)
class Step:
    """One child of a type. `name` is its name in JSON and XML, `element` its name in FHIRPath.

    `convert` makes the JSON value of a text, for the primitives that are no strings in JSON.
    """

    position: int
    name: str
    element: str
    type: str
    kind: Kind
    many: bool
    convert: Callable[[str], Value | None] | None


@dataclass(frozen=True, slots=True)
class Shape:
    """The children of a type by XML tag and by JSON name; those XML writes as attributes apart."""

    tags: dict[str, Step]
    names: dict[str, Step]
    attributes: dict[str, Step]


@cache
def shape(type_name: str) -> Shape:
    """The shape of `Patient`, `Quantity`, `Observation.component`; KeyError for another name."""
    definition = type_definition(type_name)
    tags: dict[str, Step] = {}
    attributes: dict[str, Step] = {}
    for position, element in enumerate(definition.elements.values()):
        for step in _steps(position, element):
            if element.xml_attribute:
                attributes[step.name] = step
            elif step.kind == "xhtml":
                tags[f"{{{XHTML}}}{step.name}"] = step
            else:
                tags[f"{{{FHIR}}}{step.name}"] = step
    names = {step.name: step for step in tags.values()}
    return Shape(tags, names, attributes)


def _steps(position: int, element: Element) -> list[Step]:
    return [
        Step(
            position,
            name,
            element.name,
            type_name,
            _kind(type_name),
            element.repeats,
            FROM_TEXT.get(type_name),
        )
        for name, type_name in element.json_names.items()
    ]


def _kind(type_name: str) -> Kind:
    if type_name == "xhtml":
        return "xhtml"
    if type_name in ("Resource", "DomainResource") or is_resource(type_name):
        return "resource"
    return "primitive" if is_primitive(type_name) else "complex"
