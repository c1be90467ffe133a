"""read and vread (FHIR R4, 3.1.0.2 and 3.1.0.3), HEAD and conditional read."""

from __future__ import annotations

from careplane.kernel.errors import Incorrect, NotFound
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.results import Version
from careplane.rest.conditions import not_modified
from careplane.rest.request import Request
from careplane.rest.response import Response, version_headers
from careplane.rest.service import Service
from careplane.rest.shape import Shape, shaped
from careplane.search.results import Summary

_KNOWN = frozenset({"_format", "_pretty", "_summary", "_elements", "_page"})


async def read(service: Service, request: Request) -> Response:
    """GET Type/id."""
    type, id = request.path
    return answer(request, await service.door.read(request.caller, c.Read(type, id)))


async def vread(service: Service, request: Request) -> Response:
    """GET Type/id/_history/vid."""
    type, id, _, version = request.path
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        raise NotFound(f"There is no such version of this {type}.")
    command = c.Vread(type, id, int(version))
    return answer(request, await service.door.vread(request.caller, command))


def answer(request: Request, version: Version) -> Response:
    """A version, or 304 where the client has it."""
    shape = shape_of(request) if request.query else None
    if (
        b"if-none-match" in request.headers or b"if-modified-since" in request.headers
    ) and not_modified(request, version):
        return Response(304, b"", version_headers(version))
    raw = whole(version)
    return Response(200, shaped(raw, shape) if shape else raw, version_headers(version))


def shape_of(request: Request) -> Shape:
    """`_summary` and `_elements` of a read; other parameters are not known here."""
    for name, _ in request.pairs:
        if name not in _KNOWN:
            raise Incorrect(f"The parameter {name[:64]!r} means nothing at this address.")
    summary = request.parameter("_summary") or "false"
    if summary not in ("true", "text", "data", "false"):
        raise Incorrect("_summary of one resource is true, text, data or false.")
    elements = request.parameter("_elements") or ""
    return Shape(Summary(summary), tuple(filter(None, elements.split(","))))
