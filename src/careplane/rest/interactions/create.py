"""create, conditional create (FHIR R4, 3.1.0.8)."""

from __future__ import annotations

from careplane.records import commands as c
from careplane.rest import body
from careplane.rest.interactions import written
from careplane.rest.request import Request
from careplane.rest.response import Response
from careplane.rest.service import Service


async def create(service: Service, request: Request) -> Response:
    """POST Type."""
    (type,) = request.path
    raw = await body.resource(request, service.limit)
    command = c.Create(type, raw, request.header(b"if-none-exist"))
    done = await service.door.create(request.caller, command)
    return await written.answer(service, request, done)
