"""Elements of a tree by name: choice types found, camel case turned into words."""

from __future__ import annotations

import re
from typing import Any

from careplane.fhir.definitions import type_definition
from careplane.fhir.tree import Tree
from careplane.web.say.types import TYPES

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def label(name: str) -> str:
    """`onsetDateTime` → `Onset date time`."""
    words = _HUMP.sub(" ", name.rstrip("_"))
    return words[:1].upper() + words[1:].lower()


def choice(tree: Tree, name: str) -> tuple[str, Any] | None:
    """The type and value of a choice element such as `value` in `valueQuantity`."""
    for key, value in tree.items():
        if key.startswith(name) and key[len(name) : len(name) + 1].isupper():
            return key[len(name) :], value
    return None


def say(type: str, value: Any) -> str | None:
    """A value in one line, or None if its type needs more."""
    if type in TYPES:
        return TYPES[type](value)
    return None if isinstance(value, dict) else str(value)


def say_choice(tree: Tree, name: str) -> str:
    """The value of a choice element in one line; empty if it is absent or needs more."""
    found = choice(tree, name)
    if found is None:
        return ""
    type, value = found
    lowered = type[:1].lower() + type[1:]
    known = type if type in TYPES else lowered
    return say(known, value) or ""


def walk(type: str, tree: Tree, path: str) -> list[tuple[str, Any]]:
    """Values at a dotted path below a resource, each with its type; choices are followed."""
    here: list[tuple[str, Any]] = [(type, tree)]
    for step in path.split("."):
        here = [found for kind, value in here for found in _step(kind, value, step)]
    return here


def _step(type: str, value: Any, name: str) -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        return []
    element = type_definition(type).elements.get(name)
    if element is None:
        return []
    out: list[tuple[str, Any]] = []
    for key, kind in element.json_names.items():
        found = value.get(key, [])
        items = found if isinstance(found, list) else [found]
        out += [(kind, item) for item in items if item is not None]
    return out
