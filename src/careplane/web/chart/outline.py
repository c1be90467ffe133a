"""Any resource as an outline of labelled values, in the order of its definition."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from careplane.fhir.definitions import Element, TypeDef, is_resource, type_definition
from careplane.fhir.tree import Tree
from careplane.web.say.elements import label, say
from careplane.words.catalogues import gettext as _

_LONGEST_TEXT = 100_000
_HIDDEN = {"id", "meta", "implicitRules", "text", "contained", "resourceType"}


@dataclass(frozen=True, slots=True)
class Node:
    """A labelled value: `text` for a leaf, with `href` where it leads to a record, or parts."""

    label: str
    text: str = ""
    href: str = ""
    parts: tuple[Node, ...] = ()


def outline(tree: Tree) -> tuple[Node, ...]:
    """The elements of a resource; contained resources and narrative at the end."""
    kind = tree["resourceType"]
    nodes = list(_parts(type_definition(kind), tree, _HIDDEN))
    for inner in tree.get("contained", ()):
        name = f"{label(inner['resourceType'])} #{inner.get('id', '')}"
        nodes.append(Node(name, parts=outline(inner)))
    return tuple(nodes)


def _parts(definition: TypeDef, tree: Tree, hidden: set[str]) -> Iterator[Node]:
    for element in definition.elements.values():
        if element.name in hidden:
            continue
        for name, type in element.json_names.items():
            yield from _element(element, name, type, tree)


def _element(element: Element, name: str, type: str, tree: Tree) -> Iterator[Node]:
    value = tree.get(name)
    if value is None:
        if f"_{name}" in tree:
            yield Node(label(element.name), _("(not given)"))
        return
    values = value if isinstance(value, list) else [value]
    for index, item in enumerate(values, 1):
        title = label(element.name) + (f" {index}" if len(values) > 1 else "")
        yield _node(title, type, item)


def _node(title: str, type: str, value: Any) -> Node:
    if value is None:
        return Node(title, _("(not given)"))
    if type == "Extension":
        return _extension(value)
    text = say(type, value)
    inside = _text_of(value) if type == "Attachment" else ""
    if inside:
        return Node(title, parts=(Node(label("title"), text or ""), Node(label("text"), inside)))
    if text is not None and text != "":
        return Node(title, text, _href(type, value))
    definition = type_definition(type)
    return Node(title, parts=tuple(_parts(definition, value, {"id"})))


def _text_of(attachment: Tree) -> str:
    """The plain text that an Attachment carries, if it is short enough to read here."""
    kind = str(attachment.get("contentType", "")).partition(";")[0]
    data = str(attachment.get("data", ""))
    if kind != "text/plain" or not 0 < len(data) <= _LONGEST_TEXT:
        return ""
    try:
        return base64.b64decode(data).decode(errors="replace")
    except ValueError:
        return ""


def _extension(value: Tree) -> Node:
    name = str(value.get("url", "")).rpartition("/")[2] or "extension"
    parts = tuple(_parts(type_definition("Extension"), value, {"id", "url"}))
    if len(parts) == 1 and not parts[0].parts:
        return Node(_("Extension: %(name)s", name=name), parts[0].text, parts[0].href)
    return Node(_("Extension: %(name)s", name=name), parts=parts)


def _href(type: str, value: Any) -> str:
    """Where a reference to a record here leads."""
    if type != "Reference":
        return ""
    return record_path(str(value.get("reference", "")))


def record_path(reference: str) -> str:
    """`/records/Type/id` for a relative literal reference, else empty."""
    kind, _, rest = reference.partition("/")
    id = rest.partition("/")[0]
    return f"/records/{kind}/{id}" if id and is_resource(kind) else ""
