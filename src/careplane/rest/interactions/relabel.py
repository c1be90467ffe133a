"""`$relabel`: security labels for what is stored already. Not of R4; for administrators."""

from __future__ import annotations

from careplane.fhir.codec import json
from careplane.records import commands as c
from careplane.rest.operation import Call, Operation, our_definition
from careplane.rest.response import Response


async def relabel(call: Call) -> Response:
    """How many resources were looked at, and how many have new labels."""
    call.refuse_others("_format", "_pretty")
    done = await call.service.door.relabel(call.request.caller, c.Relabel())
    parameters = [
        {"name": "resources", "valueInteger": done.looked},
        {"name": "changed", "valueInteger": done.changed},
    ]
    return Response(200, json.dump({"resourceType": "Parameters", "parameter": parameters}))


OPERATIONS = (
    Operation(our_definition("relabel", system=True, affects_state=True), relabel, later=True),
)
