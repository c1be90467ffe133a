"""Resources as short as they may be without a lie: narratives and long texts are left out, and each
thing that is left out is named.

A language model pays for each character, and a file inside of a resource says nothing to it.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Raw, Struct

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.records.bodies import whole
from careplane.records.results import Version
from careplane.rest.shape import Shape, shaped

ROOM = 60_000
"""Bytes of resources in one answer."""
LONGEST = 2_000
"""Characters of one text; longer ones are left out whole."""
_MOST_NAMED = 20


class Omitted(Struct, frozen=True):
    """What was left out of one resource."""

    reference: Annotated[str, Meta(description="The resource, such as Patient/17.")]
    elements: Annotated[
        list[str],
        Meta(description="Elements that were left out: narratives, long texts and files."),
    ]


class Compact(Struct, frozen=True):
    """One resource, short: its JSON, and what is missing in it."""

    reference: str
    json: bytes
    left: tuple[str, ...]

    @property
    def omitted(self) -> list[Omitted]:
        """What was left out of it, if anything."""
        if not self.left:
            return []
        more = [f"and {len(self.left) - _MOST_NAMED} more"] if len(self.left) > _MOST_NAMED else []
        return [Omitted(self.reference, [*self.left[:_MOST_NAMED], *more])]


def compact(version: Version, elements: tuple[str, ...] = ()) -> Compact:
    """A version, with only these elements where some are named, besides those that it must have."""
    raw = whole(version)
    if elements:
        raw = shaped(raw, Shape(elements=elements))
    left: list[str] = []
    tree = _narrow(json.parse(raw), "", left, narratives="text" in elements)
    return Compact(f"{version.type}/{version.id}", json.dump(tree), tuple(left))


def _narrow(tree: Tree, path: str, left: list[str], *, narratives: bool) -> Tree:
    kept: Tree = {}
    for name, value in tree.items():
        where = f"{path}.{name}" if path else name
        is_narrative = name == "text" and isinstance(value, dict) and "div" in value
        if (is_narrative and not narratives) or _is_long(value):
            left.append(where)
        else:
            kept[name] = _short(value, where, left, narratives)
    return kept


def _short(value: Any, where: str, left: list[str], narratives: bool) -> Any:
    """A value without what is long. In a list, null keeps the places of the others."""
    if isinstance(value, dict):
        return _narrow(value, where, left, narratives=narratives)
    if not isinstance(value, list):
        return value
    kept: list[Any] = []
    for place, one in enumerate(value):
        if _is_long(one):
            left.append(f"{where}[{place}]")
            kept.append(None)
        else:
            kept.append(_short(one, f"{where}[{place}]", left, narratives))
    return kept


def _is_long(value: Any) -> bool:
    return isinstance(value, str) and len(value) > LONGEST


class Room:
    """The room for resources in one answer, as it is taken."""

    def __init__(self, bytes: int = ROOM) -> None:
        self._left = bytes

    def takes(self, one: Compact) -> Raw | None:
        """The JSON of a resource if there is room for it, which it takes."""
        if len(one.json) > self._left:
            return None
        self._left -= len(one.json)
        return Raw(one.json)
