"""Links from parts of a narrative to the data they show (extension textLink of FHIR's core)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from careplane.fhir.definitions import is_resource
from careplane.fhir.fhirpath import check, parse
from careplane.fhir.fhirpath.errors import NotFhirpath, NotMeaningful
from careplane.fhir.fhirpath.node import Node
from careplane.fhir.tree import Tree, texts_named
from careplane.kernel.errors import Issue

_TEXT_LINK = "http://hl7.org/fhir/StructureDefinition/textLink"


def text_links(node: Node, where: str) -> Iterator[Issue]:
    """A text link goes to one element of a resource, and its selector can work there."""
    for number, extension in enumerate(node.child("extension")):
        if extension.value.get("url") != _TEXT_LINK:
            continue
        parts = {str(p.value.get("url")): _value(p.value) for p in extension.child("extension")}
        data, selector = parts.get("data"), parts.get("selector")
        if not isinstance(data, str):
            continue
        url, _, fragment = data.partition("#")
        target = _target(node, url)
        if target is None:
            continue
        place = f"{where}.extension[{number}]"
        if fragment and sum(1 for found in texts_named("id", target) if found == fragment) > 1:
            text = f"The link goes to #{fragment[:64]}, which several elements are named"
            yield Issue("error", "invalid", text, place)
        if isinstance(selector, str):
            yield from _selector(selector, str(target.get("resourceType")), place)


def _selector(selector: str, type_name: str, where: str) -> Iterator[Issue]:
    try:
        found = check(parse(selector), type_name) if is_resource(type_name) else None
    except (NotFhirpath, NotMeaningful) as error:
        yield Issue("error", "invalid", error.text, where)
        return
    if found is not None and not found:
        yield Issue("error", "invalid", f"The selector finds nothing in a {type_name}", where)


def _target(node: Node, url: str) -> Tree | None:
    """The resource around, or the entry of the Bundle whose fullUrl is or ends in the URL."""
    if not url:
        return _tree(node.resource().value)
    for one in node.ancestors():
        entries = one.value.get("entry") if one.type == "Bundle" else None
        for entry in entries if isinstance(entries, list) else ():
            full = entry.get("fullUrl") if isinstance(entry, dict) else None
            if isinstance(full, str) and (full == url or full.endswith(f"/{url}")):
                return _tree(entry.get("resource"))
    return None


def _tree(value: Any) -> Tree | None:
    return value if isinstance(value, dict) else None


def _value(extension: Tree) -> Any:
    return next((v for name, v in extension.items() if name.startswith("value")), None)
