"""`$diff`: a FHIRPath Patch between two versions of a resource, or two resources of a type. No
operation of R4: name and parameters are those that other servers have."""

from __future__ import annotations

from careplane.fhir.codec import json
from careplane.kernel.errors import Incorrect
from careplane.records import commands as c
from careplane.records.targets import place
from careplane.rest.operation import Call, Operation, our_definition
from careplane.rest.response import Response

_NEUTRAL = ("includeMeta", "_format", "_pretty")


async def diff(call: Call) -> Response:
    """Of two that are named, or of an earlier version and what is current."""
    door, caller = call.service.door, call.request.caller
    return Response(200, json.dump(await door.diff(caller, _command(call))))


def _command(call: Call) -> c.Diff:
    with_meta = call.flag("includeMeta")
    if call.type is None or call.id is None:
        call.refuse_others("from", "to", *_NEUTRAL)
        before, after = call.text("from"), call.text("to")
        if not before or not after:
            raise Incorrect("$diff needs 'from' and 'to', such as Patient/1/_history/2.")
        return c.Diff(place(before), place(after), with_meta)
    call.refuse_others("fromVersion", *_NEUTRAL)
    version = call.text("fromVersion")
    earlier = None if version is None else place(f"{call.type}/{call.id}/_history/{version}")
    return c.Diff(earlier, (call.type, call.id, None), with_meta)


OPERATIONS = (
    Operation(
        our_definition(
            "diff", system=True, instance=True, parameters=("from", "to", "fromVersion")
        ),
        diff,
    ),
)
