"""Searching contained resources (FHIR R4, 3.1.1.5.7): where they can be, and which match.

A resource has a token of each type that it contains, and no more: what a contained resource says is
looked at when it is asked for (docs/decisions/0016).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

from msgspec import Struct

from careplane.fhir import structs
from careplane.search.match import NoWorld, Subject, matches
from careplane.search.plan import And, Chain, Coding, Has, Node, Not, Or, Token
from careplane.search.rows import Param, Rows, TokenRow

CONTAINS = Param("Resource.contained")
"""Tokens of the types of what a resource contains."""
_ALONE = NoWorld()


class Contained(StrEnum):
    """Whether contained resources are searched, the others, or both."""

    FALSE = "false"
    TRUE = "true"
    BOTH = "both"


class ContainedType(StrEnum):
    """What is shown of a contained resource that matches."""

    CONTAINER = "container"
    CONTAINED = "contained"


class Inner(Struct, frozen=True):
    """A contained resource, as its container has it; `id` is empty where it has none."""

    type: str
    id: str
    raw: bytes


def tokens(resource: Any) -> list[TokenRow]:
    """The rows by which a container is found."""
    raws = getattr(resource, "contained", None) or ()
    return [TokenRow(CONTAINS, None, structs.head(raw).resourceType) for raw in raws]


def containing(types: frozenset[str]) -> Node:
    """Resources that contain some of these types."""
    return Token(CONTAINS, tuple(Coding(None, type, any_system=True) for type in sorted(types)))


def matching(
    container: Any,
    types: frozenset[str],
    where: Node,
    last_updated: int,
    extract: Callable[[structs.Struct], Rows],
) -> Iterator[Inner]:
    """What of these types matches among the contained, by itself: `_id` is the id that it has
    there, `_lastUpdated` that of its container."""
    for raw in getattr(container, "contained", None) or ():
        head = structs.head(raw)
        if head.resourceType not in types:
            continue
        rows = extract(structs.decoder(head.resourceType).decode(raw))
        if matches(where, Subject(head.resourceType, head.id, last_updated, rows), _ALONE):
            yield Inner(head.resourceType, head.id, bytes(raw))


def looks_beyond(node: Node) -> bool:
    """Whether a plan asks other resources too, by a chain or `_has`."""
    match node:
        case And(parts) | Or(parts):
            return any(map(looks_beyond, parts))
        case Not(part):
            return looks_beyond(part)
    return isinstance(node, Chain | Has)
