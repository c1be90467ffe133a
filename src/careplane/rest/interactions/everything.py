"""Patient and Encounter `$everything` (FHIR R4, Patient-everything and Encounter-everything): of
one or, for patients, of all that the caller may search."""

from __future__ import annotations

from typing import Literal, cast

import msgspec

from careplane.fhir.definitions import is_resource
from careplane.kernel.errors import Incorrect
from careplane.records import commands as c
from careplane.rest.bundle import Link
from careplane.rest.interactions.history import count_of, moment
from careplane.rest.interactions.search import searchset
from careplane.rest.links import PAGE, address, with_query
from careplane.rest.operation import Call, Operation, definition
from careplane.rest.response import Response
from careplane.rest.shape import Shape


class EverythingPage(msgspec.Struct, frozen=True, array_like=True):
    """What a next link of `$everything` carries."""

    path: tuple[str, ...]
    since: int | None
    start: int | None
    end: int | None
    types: tuple[str, ...]
    count: int
    cursor: str
    shown: tuple[bytes, ...] = ()


async def everything(call: Call) -> Response:
    """A page of the record."""
    command = _command(call)
    request = call.request
    told = await call.service.door.everything(request.caller, command)
    answer = told.found
    url = address(request.base, *request.path)
    links = [Link("self", with_query(url, request.pairs))]
    if answer.next is not None:
        page = EverythingPage(
            request.path,
            command.since,
            command.start,
            command.end,
            tuple(sorted(command.types)),
            command.count,
            answer.next,
            tuple(sorted(told.shown)),
        )
        links.append(Link("next", with_query(url, ((PAGE, call.service.pages.seal(page)),))))
    return Response(200, searchset(request.base, answer, Shape(), links))


def _command(call: Call) -> c.Everything:
    type = cast(Literal["Patient", "Encounter"], call.type)
    sealed = call.text(PAGE)
    if sealed is not None:
        page = call.service.pages.open(sealed, EverythingPage)
        if page.path != call.request.path:
            raise Incorrect("This page is of another address; follow links as they are.")
        return c.Everything(
            type,
            call.id,
            page.since,
            page.start,
            page.end,
            frozenset(page.types),
            page.count,
            page.cursor,
            frozenset(page.shown),
        )
    call.refuse_others("_since", "_type", "_count", "start", "end", "_format", "_pretty")
    return c.Everything(
        type,
        call.id,
        since=_edge(call, "_since", 0),
        start=_edge(call, "start", 0),
        end=_edge(call, "end", 1),
        types=_types(call),
        count=max(count_of(call.text("_count")), 1),
    )


def _edge(call: Call, name: str, side: int) -> int | None:
    text = call.text(name)
    return None if text is None else moment(name, text)[side]


def _types(call: Call) -> frozenset[str]:
    names = [name for value in call.all("_type") for name in str(value).split(",")]
    if not all(map(is_resource, names)):
        raise Incorrect("_type holds names of resource types with commas between them.")
    return frozenset(names)


OPERATIONS = (
    Operation(definition("Patient-everything"), everything, frozenset({"Patient"})),
    Operation(definition("Encounter-everything"), everything, frozenset({"Encounter"})),
)
