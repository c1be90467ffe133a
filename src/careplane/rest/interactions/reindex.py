"""`$reindex`, an operation of Careplane's own: rows for search parameters that were defined here.

POST starts a job, on all of them or (on an instance) on one; GET with the `id` of a job shows how
far it has come. Both answer with Parameters.
"""

from __future__ import annotations

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import Incorrect
from careplane.records import commands as c
from careplane.records.walk import Walk
from careplane.rest.operation import Call, Operation, our_definition
from careplane.rest.response import Response

_COUNTS = ("visited", "changed", "same", "skipped", "failed", "rechecked")


async def reindex(call: Call) -> Response:
    """202 and where to look for a job that was started; 200 for one that is shown."""
    if call.request.method == "POST":
        return await _start(call)
    call.refuse_others("id", "_format", "_pretty")
    id = call.text("id")
    if id is None:
        raise Incorrect("Name the job to look at, as in $reindex?id=...; POST starts one.")
    job = await call.service.door.reindexing(call.request.caller, c.Reindexing(id))
    return Response(200, _parameters(job))


async def _start(call: Call) -> Response:
    call.refuse_others("everything", "_format", "_pretty")
    command = c.StartReindex(call.id, call.flag("everything"))
    job = await call.service.door.start_reindex(call.request.caller, command)
    where = f"{call.request.base}/$reindex?id={job.id}"
    return Response(202, _parameters(job), [(b"content-location", where.encode())])


def _parameters(job: Walk) -> bytes:
    found: list[Tree] = [
        {"name": "id", "valueId": job.id},
        {"name": "state", "valueCode": job.state},
        *({"name": "type", "valueCode": type} for type in job.types),
        *({"name": name, "valueUnsignedInt": getattr(job, name)} for name in _COUNTS),
        *({"name": "failing", "valueCode": type} for type in job.failing),
    ]
    for name in ("asked", "started", "ended"):
        if moment := getattr(job, name):
            found.append({"name": name, "valueInstant": format_instant(moment)})
    if job.problem:
        found.append({"name": "problem", "valueString": job.problem})
    return json.dump({"resourceType": "Parameters", "parameter": found})


# It affects no resource, so that GET is offered besides; only what they are found by.
_REINDEX = our_definition("reindex", system=True, instance=True, parameters=("id", "everything"))
OPERATIONS = (
    Operation(_REINDEX, reindex, types=frozenset({"SearchParameter"}), statuses=(200, 202)),
)
