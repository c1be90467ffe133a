"""Rules about documents: what belongs into one, and how it is shown (FHIR R4, 3.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from careplane.fhir.fhirpath.node import Node
from careplane.fhir.tree import Tree, texts_named
from careplane.kernel.errors import Issue

_BASE = re.compile(r"(https?://.+/)[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}(?:/_history/.+)?").fullmatch
_RELATIVE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}").match
_STYLESHEET = "stylesheet"


def reachable(node: Node, where: str) -> Iterator[Issue]:
    """Every entry of a document is reached from its Composition by references, in whichever
    direction they go (3.3.1)."""
    entries = _entries(node)
    if node.value.get("type") != "document" or not entries:
        return
    links: dict[int, set[int]] = {number: set() for number in range(len(entries))}
    places: dict[str, list[int]] = {}  # several versions may stand under one fullUrl
    for number, entry in enumerate(entries):
        places.setdefault(str(entry.get("fullUrl")), []).append(number)
    for number, entry in enumerate(entries):
        for other in {at for target in _targets(entry) for at in places.get(target, ())}:
            links[number].add(other)
            links[other].add(number)
    reached, waiting = {0}, [0]
    while waiting:
        further = links[waiting.pop()] - reached
        reached |= further
        waiting.extend(further)
    shown = {at for url, _ in _stylesheets(node, entries) for at in places.get(url, ())}
    for number in range(len(entries)):
        if number not in reached and number not in shown:
            text = "This entry is not reached by references from the Composition"
            yield Issue("error", "informational", text, f"{where}.entry[{number}]")


def stylesheets(node: Node, where: str) -> Iterator[Issue]:
    """A stylesheet that is named by a relative URL is in the document (3.3.3)."""
    if node.value.get("type") != "document":
        return
    for url, number in _stylesheets(node, _entries(node)):
        if _RELATIVE(url):  # one that is here has become its fullUrl
            text = "The stylesheet is not in this document"
            yield Issue("error", "not-found", text, f"{where}.link[{number}].url")


def _stylesheets(node: Node, entries: list[Tree]) -> Iterator[tuple[str, int]]:
    """The URLs of stylesheets, as the fullUrl they mean where that is here."""
    urls = {str(e.get("fullUrl")) for e in entries}
    found = _BASE(str(entries[0].get("fullUrl"))) if entries else None
    base = found.group(1) if found else ""
    links = node.value.get("link")
    for number, link in enumerate(links if isinstance(links, list) else ()):
        if isinstance(link, dict) and link.get("relation") == _STYLESHEET:
            url = str(link.get("url"))
            yield (base + url if base + url in urls else url), number


def _targets(entry: Tree) -> Iterator[str]:
    """What the references of an entry mean, as fullUrls."""
    found = _BASE(str(entry.get("fullUrl")))
    base = found.group(1) if found else ""
    for reference in texts_named("reference", entry.get("resource")):
        yield reference
        if _RELATIVE(reference):
            yield base + reference.partition("/_history/")[0]


def _entries(node: Node) -> list[Tree]:
    entries = node.value.get("entry")
    return [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
