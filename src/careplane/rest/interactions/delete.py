"""delete and conditional delete (FHIR R4, 3.1.0.7)."""

from __future__ import annotations

from careplane.records import commands as c
from careplane.rest.conditions import if_match
from careplane.rest.interactions import written
from careplane.rest.interactions.update import criteria
from careplane.rest.request import Request
from careplane.rest.response import Response
from careplane.rest.service import Service


async def delete(service: Service, request: Request) -> Response:
    """DELETE Type/id."""
    type, id = request.path
    command = c.Delete(type, id, if_match(request))
    done = await service.door.delete(request.caller, command)
    return await written.answer(service, request, done)


async def delete_match(service: Service, request: Request) -> Response:
    """DELETE Type?criteria."""
    (type,) = request.path
    command = c.ConditionalDelete(type, criteria(request))
    done = await service.door.delete(request.caller, command)
    return await written.answer(service, request, done)
