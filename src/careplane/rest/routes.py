"""Which interaction an address and a method mean: one table (FHIR R4, 3.1.0.12 and 3.2.0.1).

A shape is an address with its parts named: `Type`, `id`, `vid`, `$` for an operation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct

from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.kernel.errors import NotFound
from careplane.rest.interactions import create, delete, history, read, search, transaction, update
from careplane.rest.request import Request
from careplane.rest.response import Response
from careplane.rest.service import Service

Handler = Callable[[Service, Request], Awaitable[Response]]
_TYPES = frozenset(RESOURCE_TYPES)
Methods = dict[str, Handler]


def _get(handler: Handler) -> Methods:
    return {"GET": handler, "HEAD": handler}


ROUTES: dict[str, Methods] = {
    "": _get(search.search) | {"POST": transaction.process},
    "_search": {"POST": search.search_by_post},
    "_history": _get(history.history),
    "Type": _get(search.search)
    | {
        "POST": create.create,
        "PUT": update.update_match,
        "PATCH": update.patch_match,
        "DELETE": delete.delete_match,
    },
    "Type/_search": {"POST": search.search_by_post},
    "Type/_history": _get(history.history),
    "Type/id": _get(read.read)
    | {"PUT": update.update, "PATCH": update.patch, "DELETE": delete.delete},
    "Type/id/_history": _get(history.history),
    "Type/id/_history/vid": _get(read.vread),
    "Type/id/*": _get(search.search),
    "Type/id/*/_search": {"POST": search.search_by_post},
    "Type/id/Type": _get(search.search),
    "Type/id/Type/_search": {"POST": search.search_by_post},
}

_LITERAL = {
    0: frozenset({"_search", "_history"}),
    1: frozenset({"_search", "_history"}),
    2: frozenset({"_history", "*"}),
    3: frozenset({"_search"}),
}
_NAMED = {0: "Type", 1: "id", 2: "Type"}


class Place(Struct, frozen=True):
    """An address understood: its shape, and the operation that it names, if any."""

    shape: str
    operation: str | None = None


def place(path: tuple[str, ...]) -> Place:
    """What an address is. Raises NotFound for one that FHIR does not have."""
    if len(path) == 2 and path[0] in _TYPES and path[1][:1] not in ("_", "$", ""):
        return _INSTANCE  # by far the commonest
    parts: list[str] = []
    for position, part in enumerate(path):
        if part.startswith("$") and position == len(path) - 1:
            return Place("/".join((*parts, "$")), part[1:])
        parts.append(_named(path, position, part))
    return Place("/".join(parts))


_INSTANCE = Place("Type/id")


def _named(path: tuple[str, ...], position: int, part: str) -> str:
    if part in _LITERAL.get(position, ()):
        return part
    if position == 3 and path[2] == "_history":
        return "vid"
    name = _NAMED.get(position)
    if name == "Type" and part not in _TYPES:
        raise NotFound(f"{part[:64]!r} is not a FHIR R4 resource type.")
    if name is None or not part:
        raise NotFound("There is nothing at this address.")
    return name
