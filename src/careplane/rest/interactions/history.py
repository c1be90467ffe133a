"""history of a resource, a type, the system (FHIR R4, 3.1.0.13)."""

from __future__ import annotations

import msgspec

from careplane.kernel.clock import format_instant
from careplane.kernel.errors import Incorrect, Invalid, Issue
from careplane.records import commands as c
from careplane.records import etag
from careplane.records.bodies import whole
from careplane.records.notices import REDISCLOSURE
from careplane.records.results import Version, Versions
from careplane.rest.bundle import Link, bundle, recorded
from careplane.rest.links import PAGE, address, with_query
from careplane.rest.request import Request
from careplane.rest.response import Response
from careplane.rest.service import Service
from careplane.search.dates import span
from careplane.search.parse import DEFAULT_COUNT
from careplane.search.results import MAX_COUNT

_KNOWN = frozenset({"_since", "_at", "_count", "_format", "_pretty", PAGE})


class HistoryPage(msgspec.Struct, frozen=True, array_like=True):
    """What a next link of a history carries."""

    path: tuple[str, ...]
    since: int | None
    count: int
    cursor: str


async def history(service: Service, request: Request) -> Response:
    """GET .../_history."""
    type, id = (*request.path[:-1], None, None)[:2]
    sealed = request.parameter(PAGE)
    if sealed is None:
        command = _first(request, type, id)
    else:
        page = service.pages.open(sealed, HistoryPage)
        if page.path != request.path:
            raise Incorrect("This page is of another address; follow links as they are.")
        command = c.History(type, id, since=page.since, count=page.count, cursor=page.cursor)
    answer = await service.door.history(request.caller, command)
    return Response(200, _bundle(service, request, command, answer))


def _first(request: Request, type: str | None, id: str | None) -> c.History:
    for name, _ in request.pairs:
        if name not in _KNOWN:
            raise Incorrect(f"The parameter {name[:64]!r} means nothing in a history.")
    since, at = request.parameter("_since"), request.parameter("_at")
    return c.History(
        type,
        id,
        since=None if since is None else moment("_since", since)[0],
        at=None if at is None else moment("_at", at),
        count=count_of(request.parameter("_count")),
    )


def moment(name: str, text: str) -> tuple[int, int]:
    """A date or instant as a range of microseconds, or Invalid."""
    found = span(text)
    if found is None:
        what = f"{name} must be a date or an instant that exists."
        raise Invalid(what, issues=(Issue("error", "value", what, name),))
    return found


def count_of(text: str | None) -> int:
    """`_count`, within bounds, or Invalid."""
    if text is None:
        return DEFAULT_COUNT
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        what = "_count must be a whole number that is not negative."
        raise Invalid(what, issues=(Issue("error", "value", what, "_count"),))
    return min(int(text), MAX_COUNT)


def _bundle(service: Service, request: Request, command: c.History, answer: Versions) -> bytes:
    url = address(request.base, *request.path)
    links = [Link("self", with_query(url, request.pairs))]
    if answer.next is not None:
        page = HistoryPage(request.path, command.since, command.count, answer.next)
        style = tuple(p for p in request.pairs if p[0] in ("_format", "_pretty"))
        sealed = (PAGE, service.pages.seal(page))
        links.append(Link("next", with_query(url, (sealed, *style))))
    secret = REDISCLOSURE in answer.issues
    entries = entries_of(request.base, answer)
    return bundle("history", entries, links, answer.total, no_redisclosure=secret)


def entries_of(base: str, answer: Versions) -> list[bytes]:
    """The entries of a page of history."""
    return [_entry(base, version) for version in answer.versions]


def _entry(base: str, version: Version) -> bytes:
    posted = version.method == "POST"
    url = version.type if posted else f"{version.type}/{version.id}"
    return recorded(
        address(base, version.type, version.id),
        b"" if version.deleted else whole(version),
        {"method": version.method, "url": url},
        {
            "status": _status(version),
            "etag": etag.write(version.version),
            "lastModified": format_instant(version.last_updated),
        },
    )


def _status(version: Version) -> str:
    if version.deleted:
        return "204"
    return "201" if version.method == "POST" or version.version == 1 else "200"
