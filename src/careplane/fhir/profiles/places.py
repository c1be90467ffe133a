"""Where an element is, in the words of FHIR JSON: `Observation.component[0].valueQuantity`."""

from __future__ import annotations

from careplane.fhir.definitions import type_definition
from careplane.fhir.fhirpath import Node


def place(node: Node) -> str:
    """The place of an element in the outermost resource."""
    steps = []
    while node.parent is not None:
        at = "" if node.index is None else f"[{node.index}]"
        steps.append(json_name(node) + at)
        node = node.parent
    steps.append(node.name or node.type)
    return ".".join(reversed(steps))


def json_name(node: Node) -> str:
    """`value` of type Quantity is `valueQuantity`."""
    if node.parent is None:
        return node.name
    try:
        element = type_definition(node.parent.type).elements.get(node.name)
    except KeyError:
        return node.name
    if element is None or not element.choice:
        return node.name
    return node.name + node.type[0].upper() + node.type[1:]
