"""Search by GET and POST, of a type, of the system, in a compartment (FHIR R4, 3.1.0.9 and 3.1.1).

Entries are stored bytes, joined; only `_summary` and `_elements` look into them.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from careplane.kernel.errors import Incorrect
from careplane.records import commands as c
from careplane.records.bodies import head, whole
from careplane.records.notices import REDISCLOSURE
from careplane.records.results import Found, Inside, Version
from careplane.rest import body
from careplane.rest.bundle import Link, about, bundle, found
from careplane.rest.links import PAGE, address, with_query
from careplane.rest.outcome import outcome
from careplane.rest.request import Pairs, Request
from careplane.rest.response import Response
from careplane.rest.service import Service
from careplane.rest.shape import Shape, shaped
from careplane.search.results import Summary

_NEUTRAL = ("_format", "_pretty")


class SearchPage(msgspec.Struct, frozen=True, array_like=True):
    """What a next link of a search carries."""

    path: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    cursor: str


async def search(service: Service, request: Request) -> Response:
    """GET with parameters, or a next link."""
    sealed = request.parameter(PAGE)
    if sealed is None:
        return await _search(service, request, request.path, request.pairs, None)
    page = service.pages.open(sealed, SearchPage)
    if page.path != request.path:
        raise Incorrect("This page is of another address; follow links as they are.")
    return await _search(service, request, page.path, page.pairs, page.cursor)


async def search_by_post(service: Service, request: Request) -> Response:
    """POST .../_search; its next links work by GET."""
    pairs = await body.form_pairs(request, service.limit)
    return await _search(service, request, request.path[:-1], pairs, None)


async def _search(
    service: Service,
    request: Request,
    path: tuple[str, ...],
    pairs: Pairs,
    cursor: str | None,
) -> Response:
    type, compartment = _place(path)
    command = c.Search(type, pairs, request.prefer.handling, compartment, cursor)
    answer = await service.door.search(request.caller, command)
    url = address(request.base, *path)
    style = tuple(pair for pair in request.pairs if pair[0] in _NEUTRAL)
    understood = answer.understood + style
    as_sent = understood == request.pairs  # then what was sent is what was understood
    first = f"{url}?{request.query}" if as_sent and pairs else with_query(url, understood)
    links = [Link("self", first)]
    if cursor is not None:
        links = [Link("self", with_query(url, request.pairs)), Link("first", first)]
    if answer.next is not None:
        token = service.pages.seal(SearchPage(path, pairs, answer.next))
        links.append(Link("next", with_query(url, ((PAGE, token), *style))))
    return Response(200, searchset(request.base, answer, shape_of(answer.understood), links))


def _place(path: tuple[str, ...]) -> tuple[str | None, tuple[str, str] | None]:
    """The type and the compartment that an address names."""
    match path:
        case ():
            return None, None
        case (type,):
            return type, None
        case (owner, id, "*"):
            return None, (owner, id)
        case (owner, id, type):
            return type, (owner, id)
    raise AssertionError(path)


def shape_of(understood: Pairs) -> Shape:
    """The shape that a search asks for; its values were checked when it was parsed."""
    summary = Summary.FALSE
    elements: list[str] = []
    for name, value in understood:
        if name == "_summary":
            summary = Summary(value)
        elif name == "_elements":
            elements += value.split(",")
    return Shape(summary, tuple(elements))


def searchset(base: str, answer: Found, shape: Shape, links: list[Link]) -> bytes:
    """The Bundle: matches, what was included, and what was not understood."""
    entries = _entries(base, answer.matches, shape, b"match")
    entries += [_inside(base, one, shape) for one in answer.inside]
    entries += _entries(base, answer.included, shape, b"include")
    if answer.issues:
        entries.append(about(outcome(answer.issues)))
    secret = REDISCLOSURE in answer.issues
    return bundle("searchset", entries, links, answer.total, no_redisclosure=secret)


def _inside(base: str, one: Inside, shape: Shape) -> bytes:
    """A contained resource by itself: it is found at its container, behind a `#`."""
    container, inner = one.container, one.inner
    resource = shaped(inner.raw, shape) if shape else inner.raw
    return found(base, container.type, f"{container.id}#{quote(inner.id)}", resource, b"match")


def _entries(base: str, versions: Sequence[Version], shape: Shape, mode: bytes) -> list[bytes]:
    if shape:
        return [found(base, v.type, v.id, shaped(whole(v), shape), mode) for v in versions]
    return [found(base, v.type, v.id, v.rest, mode, head(v)) for v in versions]
