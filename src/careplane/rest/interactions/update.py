"""update, conditional update and patch (FHIR R4, 3.1.0.4 to 3.1.0.6)."""

from __future__ import annotations

from careplane.fhir import patch as patches
from careplane.fhir.tree import Tree
from careplane.kernel.errors import UnsupportedMedia
from careplane.records import commands as c
from careplane.rest import body
from careplane.rest.conditions import if_match, if_none_match_any
from careplane.rest.interactions import written
from careplane.rest.negotiate import media_type
from careplane.rest.request import Request
from careplane.rest.response import Response
from careplane.rest.service import Service


async def update(service: Service, request: Request) -> Response:
    """PUT Type/id."""
    type, id = request.path
    raw = await body.resource(request, service.limit)
    command = c.Update(type, id, raw, if_match(request), if_none_match_any(request))
    done = await service.door.update(request.caller, command)
    return await written.answer(service, request, done)


async def update_match(service: Service, request: Request) -> Response:
    """PUT Type?criteria."""
    (type,) = request.path
    raw = await body.resource(request, service.limit)
    command = c.ConditionalUpdate(type, criteria(request), raw, if_match(request))
    done = await service.door.update(request.caller, command)
    return await written.answer(service, request, done)


async def patch(service: Service, request: Request) -> Response:
    """PATCH Type/id."""
    type, id = request.path
    change = await _change(service, request)
    command = c.Patch(type, change, id=id, if_match=if_match(request))
    done = await service.door.patch(request.caller, command)
    return await written.answer(service, request, done)


async def patch_match(service: Service, request: Request) -> Response:
    """PATCH Type?criteria."""
    (type,) = request.path
    change = await _change(service, request)
    command = c.Patch(type, change, criteria=criteria(request), if_match=if_match(request))
    done = await service.door.patch(request.caller, command)
    return await written.answer(service, request, done)


async def _change(service: Service, request: Request) -> c.Change:
    kind = patches.KINDS.get(media_type(request.header(b"content-type") or ""))
    if kind is None:
        raise UnsupportedMedia(f"A patch is of type {' or '.join(sorted(patches.KINDS))}.")
    raw = await body.content(request, service.limit)

    def change(tree: Tree) -> Tree:
        return patches.apply(kind, tree, raw)

    return change


def criteria(request: Request) -> str:
    """The criteria of a conditional write: the query without what is about the answer."""
    parts = request.query.split("&")
    return "&".join(p for p in parts if p.partition("=")[0] not in ("_format", "_pretty"))
