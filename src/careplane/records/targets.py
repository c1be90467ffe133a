"""Which resource of this server the text of a reference names (FHIR R4, 2.3.0.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from careplane.fhir.definitions import is_resource
from careplane.kernel.errors import Incorrect
from careplane.storage.ports.records import Key


def target(base: str, text: object) -> Key | None:
    """Type and id of `Type/id`, of `Type/id/_history/1`, and of those below this server's address;
    None for any other reference."""
    if not isinstance(text, str):
        return None
    parts = text.removeprefix(f"{base}/" if base else "").split("/")
    if len(parts) in (2, 4) and is_resource(parts[0]) and parts[1]:
        return parts[0], parts[1]
    return None


def place(text: str) -> tuple[str, str, int | None]:
    """`Type/id` or `Type/id/_history/1` as type, id and version; Incorrect for anything else."""
    parts = text.split("/")
    versioned = len(parts) == 4 and parts[2] == "_history" and parts[3].isascii()
    if not (is_resource(parts[0]) and len(parts) > 1 and parts[1]):
        versioned = False
    elif len(parts) == 2:
        return parts[0], parts[1], None
    if versioned and parts[3].isdigit() and len(parts[3]) < 10:
        return parts[0], parts[1], int(parts[3])
    raise Incorrect("Name a resource as Type/id or Type/id/_history/version.")


def referred(tree: Any) -> Iterator[str]:
    """The text of every Reference in a tree."""
    if isinstance(tree, dict):
        text = tree.get("reference")
        if isinstance(text, str):
            yield text
        for value in tree.values():
            yield from referred(value)
    elif isinstance(tree, list):
        for one in tree:
            yield from referred(one)
