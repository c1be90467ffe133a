"""What a list of conformance resources says of one: its kind, and which URLs it refers to ("where
used" is answered from these)."""

from __future__ import annotations

import re
from typing import Any

from careplane.fhir.tree import Tree

_ABSOLUTE = re.compile(r"(?:https?://|urn:)[^\s|#]{1,500}")
_UNREAD = frozenset(("text", "contact", "identifier", "mapping", "meta"))
"""Members whose URLs are of people and other systems, or narrative."""


def kind(resource: Tree) -> str:
    """Of a StructureDefinition: profile, extension, type or logical. Of a CodeSystem: its content.
    Empty for others."""
    if resource["resourceType"] == "CodeSystem":
        return str(resource.get("content", ""))
    if resource["resourceType"] != "StructureDefinition":
        return ""
    if resource.get("kind") == "logical":
        return "logical"
    if resource.get("derivation") != "constraint":
        return "type"
    return "extension" if resource.get("type") == "Extension" else "profile"


def uses(resource: Tree) -> tuple[str, ...]:
    """The URLs without version that it refers to, sorted: bases, profiles, target profiles,
    extensions, value sets, code systems, maps.

    A StructureDefinition is read by its differential, so that what it inherits is not its own use.
    """
    unread = _UNREAD | ({"snapshot"} if "differential" in resource else set())
    found: set[str] = set()
    for name, value in resource.items():
        if name not in unread and name != "url":
            _collect(value, found)
    return tuple(sorted(found - {resource.get("url")}))


def _collect(start: Any, found: set[str]) -> None:
    waiting = [start]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            match = _ABSOLUTE.match(value)
            if match and " " not in value:
                found.add(match.group())
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += (v for k, v in value.items() if k not in _UNREAD)
