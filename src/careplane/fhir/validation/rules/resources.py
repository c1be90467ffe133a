"""Rules about whole resources: ids of elements, links of narratives, places of references."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from careplane.fhir.definitions import is_resource
from careplane.fhir.fhirpath.node import Node
from careplane.kernel.errors import Issue

_LINK = re.compile(r"""<a\s[^>]*?href\s*=\s*["']([^"']*)["']""")
_NAMED = re.compile(r"""\s(?:id|name)\s*=\s*["']([^"']*)["']""")
_SCHEMES = ("http", "https", "tel", "mailto", "data", "ftp", "sftp", "cid")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):").match
_TYPED = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/.*)?").fullmatch


def element_ids(node: Node, where: str) -> Iterator[Issue]:
    """Ids of elements are unique within their resource (2.26.1)."""
    if node.type == "StructureDefinition":  # differential and snapshot share theirs
        return
    counted = Counter(_ids(node))
    for found, times in counted.items():
        if times > 1:
            yield Issue("error", "value", f"The id {found[:64]} of an element comes twice", where)


def narrative_links(node: Node, where: str) -> Iterator[Issue]:
    """Links of a narrative go somewhere that a reader can follow (2.4.0.3)."""
    div = node.value.get("div")
    if not isinstance(div, str) or "href" not in div:
        return
    anchors: set[str] | None = None
    for link in _LINK.findall(div):
        if link.startswith("#") and len(link) > 1:
            if anchors is None:
                anchors = {
                    *_NAMED.findall(div),
                    *_contained(node.resource()),
                    *_ids(node.resource()),
                }
            if link[1:] not in anchors:
                text = "A link of the narrative goes to an id that is not here"
                yield Issue("error", "invalid", text, f"{where}.div")
        elif (scheme := _SCHEME(link)) and scheme.group(1).lower() not in _SCHEMES:
            text = "A link of the narrative has a scheme that cannot be followed"
            yield Issue("error", "invalid", text, f"{where}.div")


def reference_form(node: Node, where: str) -> Iterator[Issue]:
    """A literal reference is a URL, and names a type of R4 (2.3.0.1)."""
    text = node.value.get("reference")
    if not isinstance(text, str) or text.startswith(("#", "urn:")):
        return
    if any(c.isspace() for c in text):
        yield Issue("error", "value", "A reference is a URL without spaces", f"{where}.reference")
        return
    typed = _TYPED(text.partition("?")[0])
    stated = node.value.get("type")
    if typed and not is_resource(typed.group(1)):
        yield Issue("error", "value", "The reference names no type of R4", f"{where}.reference")
    if typed is None or not isinstance(stated, str) or typed.group(1) == stated:
        return
    if is_resource(stated) and is_resource(typed.group(1)):
        text = f"The reference is to a {typed.group(1)}, its type says {stated}"
        yield Issue("error", "value", text, where)


def include_system(node: Node, where: str) -> Iterator[Issue]:
    """The system of a value set's include is absolute (4.9.4)."""
    system = node.value.get("system")
    if isinstance(system, str) and not _SCHEME(system):
        yield Issue("error", "value", "The system must be an absolute URI", f"{where}.system")


def content_not_present(node: Node, where: str) -> Iterator[Issue]:
    """A code system that says it has no content lists no concepts (4.8)."""
    if node.value.get("content") == "not-present" and node.value.get("concept"):
        text = "The code system says that its content is not present, and lists concepts"
        yield Issue("error", "invalid", text, f"{where}.concept[0]")


def _ids(resource: Node) -> Iterator[str]:
    """Ids of the elements of a resource, without its own and those of resources inside of it."""
    waiting = resource.children()
    while waiting:
        node = waiting.pop()
        if node.is_resource:
            continue
        source = node.value if isinstance(node.value, dict) else node.extra
        if isinstance(source, dict):
            if isinstance(source.get("id"), str):
                yield source["id"]
            waiting.extend(child for child in node.children() if child.name != "id")


def _contained(resource: Node) -> Iterator[str]:
    for one in resource.child("contained"):
        if isinstance(one.value.get("id"), str):
            yield one.value["id"]
