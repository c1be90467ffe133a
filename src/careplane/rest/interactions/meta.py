"""`$meta`, `$meta-add`, `$meta-delete` (FHIR R4, Resource-meta and its siblings)."""

from __future__ import annotations

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect
from careplane.records import commands as c
from careplane.rest.operation import Call, Operation, definition
from careplane.rest.response import Response


async def meta(call: Call) -> Response:
    """Of a resource, or what is in use in a type or the system."""
    call.refuse_others("_format", "_pretty")
    command = c.Meta(call.type, call.id)
    found = await call.service.door.meta(call.request.caller, command)
    return Response(200, _parameters(found.meta))


async def add(call: Call) -> Response:
    """Put profiles, tags and labels in."""
    return await _change(call, remove=False)


async def delete(call: Call) -> Response:
    """Take profiles, tags and labels out."""
    return await _change(call, remove=True)


async def _change(call: Call, *, remove: bool) -> Response:
    call.refuse_others("meta", "_format", "_pretty")
    given = call.tree("meta")
    if given is None:
        raise Incorrect("Send Parameters with a parameter 'meta' that has a valueMeta.")
    assert call.type is not None
    assert call.id is not None
    command = c.ChangeMeta(call.type, call.id, given, remove)
    found = await call.service.door.change_meta(call.request.caller, command)
    return Response(200, _parameters(found.meta))


def _parameters(meta: Tree) -> bytes:
    # An empty object is no FHIR value: a meta that says nothing is no parameter.
    parameter = [{"name": "return", "valueMeta": meta}] if meta else []
    return json.dump({"resourceType": "Parameters"} | ({"parameter": parameter} if meta else {}))


OPERATIONS = (
    Operation(definition("Resource-meta"), meta),
    Operation(definition("Resource-meta-add"), add, writes=True),
    Operation(definition("Resource-meta-delete"), delete, writes=True),
)
