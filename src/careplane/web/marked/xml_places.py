"""Where the elements of a resource stand in its XML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from careplane.fhir.definitions import is_resource
from careplane.web.marked.place import Place

if TYPE_CHECKING:
    from lxml import etree

_XHTML = "{http://www.w3.org/1999/xhtml}"


def xml_places(document: etree._Element) -> Place:
    """The place of the resource."""
    top = Place(_line(document))
    waiting = [(document, top)]
    while waiting:
        node, place = waiting.pop()
        for child in node:
            if not isinstance(child.tag, str) or child.tag.startswith(_XHTML):
                continue
            name = child.tag.rpartition("}")[2]
            if is_resource(name):  # a resource has the place of what holds it
                waiting.append((child, place))
                continue
            inside = Place(_line(child))
            place.parts.setdefault(name, []).append(inside)
            waiting.append((child, inside))
    return top


def _line(node: etree._Element) -> int:
    line: object = node.sourceline
    return line if isinstance(line, int) else 1
