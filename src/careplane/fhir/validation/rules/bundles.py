"""Rules about Bundles: addresses, links and references of their entries (FHIR R4, 2.36.4)."""

from __future__ import annotations

import re
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
_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/(.+))?").fullmatch
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
    seen = set()
    for index, link in enumerate(links):
        relation = str(link.get("relation"))
        if relation in seen and relation in _ONCE:
            text = f"The relation {relation} can occur only once"
            yield Issue("error", "invalid", text, f"{where}.link[{index}]")
        seen.add(relation)


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
    known = {
        f"{r.get('resourceType')}/{r.get('id')}"
        for e in entries
        if isinstance(r := e.get("resource"), dict)
    }
    versions: dict[str, list[str]] = {}
    for entry in entries:
        if "fullUrl" in entry:
            versions.setdefault(str(entry["fullUrl"]), []).append(_version(entry))
    for index, entry in enumerate(entries):
        restful = _RESTFUL(str(entry.get("fullUrl", "")))
        base = restful.group(1) if restful else ""
        for reference, place in _references(entry.get("resource")):
            relative = _RELATIVE(reference)
            short = f"{relative.group(1)}/{relative.group(2)}" if relative else ""
            if short not in known or reference in versions:
                continue
            meant = versions.get(base + short, []) if base else []
            if relative and relative.group(3):
                meant = [version for version in meant if version == relative.group(3)]
            if len(meant) != 1:
                text = f"{short} is in this Bundle, but not where the fullUrl says it is"
                if meant:
                    text = f"{short} is more than once in this Bundle"
                yield Issue("error", "not-found", text, f"{where}.entry[{index}].resource{place}")


def _version(entry: Tree) -> str:
    resource = entry.get("resource")
    meta = resource.get("meta") if isinstance(resource, dict) else None
    return str(meta.get("versionId", "")) if isinstance(meta, dict) else ""


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
        for reference, place in _references(entry.get("resource")):
            relative = _RELATIVE(reference)
            found = ids.get(relative.group(2)) if relative else None
            if relative and found and found != relative.group(1):
                text = f"The reference names a {relative.group(1)}, the Bundle has a {found}"
                yield Issue("error", "invalid", text, f"{where}.entry[{index}].resource{place}")


def _entries(node: Node) -> list[Tree]:
    entries = node.value.get("entry")
    return [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []


def _references(resource: Any) -> Iterator[tuple[str, str]]:
    """Each literal reference in a resource, and the place of the Reference in it."""
    waiting = [(resource, "")]
    while waiting:
        one, place = waiting.pop()
        if isinstance(one, dict):
            if isinstance(one.get("reference"), str):
                yield one["reference"], place
            waiting.extend(
                (v, f"{place}.{k}") for k, v in one.items() if isinstance(v, dict | list)
            )
        elif isinstance(one, list):
            waiting.extend((v, f"{place}[{number}]") for number, v in enumerate(one))
