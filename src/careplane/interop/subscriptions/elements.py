"""Extensions of a tree, by their address: how the backport carries what R4 has no element for."""

from __future__ import annotations

from typing import Any

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid, Issue


def extensions(holder: object, *urls: str) -> list[Tree]:
    """The extensions of an element with one of these addresses; none for what is no element."""
    found = holder.get("extension") if isinstance(holder, dict) else None
    listed = found if isinstance(found, list) else []
    return [one for one in listed if isinstance(one, dict) and one.get("url") in urls]


def value(extension: Tree) -> Any:
    """Its value, of whatever type; None where it has none."""
    return next((v for key, v in extension.items() if key.startswith("value")), None)


def single(holder: object, *urls: str) -> Any:
    """The value of the one extension with such an address, None without one."""
    found = extensions(holder, *urls)
    if len(found) > 1:
        raise wrong(f"The extension {urls[0]} may be there once only.", "")
    return value(found[0]) if found else None


def wrong(text: str, where: str) -> Invalid:
    """Something about a subscription or topic that cannot be."""
    return Invalid(text, issues=(Issue("error", "value", text, where),))
