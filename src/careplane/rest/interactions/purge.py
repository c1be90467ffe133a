"""`Patient/[id]/$purge`: a record gone for good. No operation of R4; its scope is its own."""

from __future__ import annotations

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.records import commands as c
from careplane.rest.operation import Call, Operation, our_definition
from careplane.rest.response import Response


async def purge(call: Call) -> Response:
    """What was removed, and each resource that is left and refers to it."""
    call.refuse_others("_format", "_pretty")
    assert call.id is not None
    done = await call.service.door.purge(call.request.caller, c.Purge(call.id))
    parameters: list[Tree] = [
        {"name": "resources", "valueInteger": done.records},
        {"name": "versions", "valueInteger": done.versions},
    ]
    parameters += [
        {"name": "left", "valueReference": {"reference": f"{type}/{id}"}} for type, id in done.left
    ]
    return Response(200, json.dump({"resourceType": "Parameters", "parameter": parameters}))


OPERATIONS = (
    Operation(
        our_definition("purge", instance=True, affects_state=True),
        purge,
        frozenset({"Patient"}),
        later=True,
    ),
)
