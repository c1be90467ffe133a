"""`Patient/[id]/$erase`: a record destroyed for good, in copies too. No operation of R4; its scope
is that of `$purge`."""

from __future__ import annotations

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.records import commands as c
from careplane.rest.operation import Call, Operation, our_definition
from careplane.rest.response import Response


async def erase(call: Call) -> Response:
    """What was removed and destroyed, and each resource that is left and refers to it."""
    call.refuse_others("_format", "_pretty")
    assert call.id is not None
    done = await call.service.door.erase(call.request.caller, c.Erase(call.id))
    parameters: list[Tree] = [
        {"name": "resources", "valueInteger": done.purged.records},
        {"name": "versions", "valueInteger": done.purged.versions},
        {"name": "keys", "valueInteger": done.keys},
        {"name": "outputs", "valueInteger": done.outputs},
        {"name": "ledger", "valueCode": "erased" if done.ledger else "off"},
    ]
    parameters += [
        {"name": "left", "valueReference": {"reference": f"{type}/{id}"}}
        for type, id in done.purged.left
    ]
    return Response(200, json.dump({"resourceType": "Parameters", "parameter": parameters}))


OPERATIONS = (
    Operation(
        our_definition("erase", instance=True, affects_state=True), erase, frozenset({"Patient"})
    ),
)
