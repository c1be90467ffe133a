"""Rules about Bundles: addresses, links and references of their entries (FHIR R4, 2.36.4)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from careplane.fhir.definitions import is_resource
from careplane.fhir.fhirpath.node import Node
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Issue

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:").match
_RESTFUL = re.compile(
    r"(https?://.+/)([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?"
).fullmatch
_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/.+)?").fullmatch
_ONCE = frozenset({"self", "first", "last", "next", "previous", "prev"})
# Bundles that are read as a whole: what they refer to has to be found in them.
_CLOSED = frozenset({"document", "message"})


def full_urls(node: Node, where: str) -> Iterator[Issue]:
    """fullUrl is absolute, and agrees with the type and id of its resource where it is a RESTful
    address (2.36.4)."""
    for index, entry in enumerate(_entries(node)):
        url, resource = entry.get("fullUrl"), entry.get("resource")
        place = f"{where}.entry[{index}].fullUrl"
        if not isinstance(url, str):
            continue
        if not _SCHEME(url):
            yield Issue("error", "invalid", "fullUrl must be an absolute URL", place)
        elif isinstance(resource, dict) and (restful := _RESTFUL(url)):
            ours = (resource.get("resourceType"), resource.get("id"))
            if is_resource(restful.group(2)) and ours != (restful.group(2), restful.group(3)):
                text = "fullUrl must end with the type and id of its resource"
                yield Issue("error", "invalid", text, place)


def link_relations(node: Node, where: str) -> Iterator[Issue]:
    """A relation of paging comes once (3.1.1.4)."""
    links = [link for link in node.value.get("link") or () if isinstance(link, dict)]
    for relation, times in Counter(str(link.get("relation")) for link in links).items():
        if times > 1 and relation in _ONCE:
            text = f"The relation {relation} can occur only once"
            yield Issue("error", "invalid", text, f"{where}.link")


def search_entries(node: Node, where: str) -> Iterator[Issue]:
    """What a search found has an id; what it says of itself is an OperationOutcome (3.1.1.3)."""
    if node.value.get("type") != "searchset":
        return
    for index, entry in enumerate(_entries(node)):
        resource = entry.get("resource")
        if not isinstance(resource, dict):
            continue
        place = f"{where}.entry[{index}].resource"
        search = entry.get("search")
        is_outcome = resource.get("resourceType") == "OperationOutcome"
        mode = search.get("mode") if isinstance(search, dict) else None
        if mode == "outcome" and not is_outcome:
            yield Issue("error", "invalid", "An outcome must be an OperationOutcome", place)
        if not is_outcome and "id" not in resource:
            yield Issue("error", "invalid", "A resource that a search found must have an id", place)


def references_inside(node: Node, where: str) -> Iterator[Issue]:
    """In a document or message, a relative reference is found by the rules of fullUrl, not by
    type and id alone (2.36.4.1)."""
    if node.value.get("type") not in _CLOSED:
        return
    entries = _entries(node)
    urls = Counter(str(e["fullUrl"]) for e in entries if "fullUrl" in e)
    known = {
        f"{r.get('resourceType')}/{r.get('id')}"
        for e in entries
        if isinstance(r := e.get("resource"), dict)
    }
    for index, entry in enumerate(entries):
        restful = _RESTFUL(str(entry.get("fullUrl", "")))
        for reference in set(_references(entry.get("resource"))):
            relative = _RELATIVE(reference)
            if not relative:
                continue
            short = f"{relative.group(1)}/{relative.group(2)}"
            meant = restful.group(1) + short if restful else ""
            if short in known and urls[meant] != 1:
                text = f"{short} is in this Bundle, but not where the fullUrl says it is"
                if urls[meant] > 1:
                    text = f"{short} is more than once in this Bundle"
                yield Issue("error", "not-found", text, f"{where}.entry[{index}].resource")


def references_of_type(node: Node, where: str) -> Iterator[Issue]:
    """A reference that is found in the Bundle names the type that is found (2.3.0.1)."""
    types = {
        str(e["fullUrl"]): r.get("resourceType")
        for e in _entries(node)
        if "fullUrl" in e and isinstance(r := e.get("resource"), dict)
    }
    ids = {}
    for entry in _entries(node):
        url = str(entry.get("fullUrl", ""))
        if url.startswith("urn:uuid:"):
            ids[url.removeprefix("urn:uuid:")] = types.get(url)
    for index, entry in enumerate(_entries(node)):
        for reference in set(_references(entry.get("resource"))):
            relative = _RELATIVE(reference)
            found = ids.get(relative.group(2)) if relative else None
            if relative and found and found != relative.group(1):
                text = f"The reference names a {relative.group(1)}, the Bundle has a {found}"
                yield Issue("error", "invalid", text, f"{where}.entry[{index}].resource")


def _entries(node: Node) -> list[Tree]:
    entries = node.value.get("entry")
    return [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []


def _references(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if isinstance(one.get("reference"), str):
                yield one["reference"]
            waiting.extend(v for v in one.values() if isinstance(v, dict | list))
        elif isinstance(one, list):
            waiting.extend(one)
