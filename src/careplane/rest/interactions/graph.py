"""`$graph` and `Composition/$document` (FHIR R4, Resource-graph and Composition-document)."""

from __future__ import annotations

from careplane.fhir.codec import json
from careplane.kernel.clock import format_instant, system_clock
from careplane.kernel.errors import Incorrect
from careplane.kernel.ids import new_id
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.results import Found
from careplane.records.targets import target
from careplane.rest.links import address
from careplane.rest.operation import Call, Operation, definition
from careplane.rest.response import Response

_NEUTRAL = ("_format", "_pretty")


async def graph(call: Call) -> Response:
    """A collection: the resource and what its graph leads to."""
    call.refuse_others("graph", *_NEUTRAL)
    name = call.text("graph")
    if not name:
        raise Incorrect("$graph needs the url of a GraphDefinition as 'graph'.")
    assert call.type is not None
    assert call.id is not None
    command = c.Graph(call.type, call.id, name)
    found = await call.service.door.graph(call.request.caller, command)
    return Response(200, _bundle(call, found, {"type": "collection"}))


async def document(call: Call) -> Response:
    """A document, stored as a Bundle where that is asked for."""
    call.refuse_others("id", "persist", "graph", *_NEUTRAL)
    command = c.Document(_composition(call), call.text("graph"))
    found = await call.service.door.document(call.request.caller, command)
    moment = format_instant(system_clock())
    head: dict[str, object] = {
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{new_id()}"},
        "type": "document",
        "timestamp": moment,
    }
    raw = _bundle(call, found, head)
    if not call.flag("persist"):
        return Response(200, raw)
    written = await call.service.door.create(call.request.caller, c.Create("Bundle", raw))
    stored = written.version
    assert stored is not None
    where = address(call.request.base, "Bundle", stored.id, "_history", str(stored.version))
    return Response(200, whole(stored), [(b"location", where.encode())])


def _composition(call: Call) -> str:
    given = call.text("id")
    if call.id is not None:
        if given is not None:
            raise Incorrect("'id' is for a call on the type; the address names the Composition.")
        return call.id
    if not given:
        raise Incorrect("Name the Composition: as 'id', or in the address.")
    if "/" not in given:
        return given
    found = target(call.request.base, given)
    if found is None or found[0] != "Composition":
        raise Incorrect("Only a Composition of this server can become a document.")
    return found[1]


def _bundle(call: Call, found: Found, head: dict[str, object]) -> bytes:
    base = call.request.base
    entries = [
        {"fullUrl": address(base, v.type, v.id), "resource": json.parse(whole(v))}
        for v in found.matches
    ]
    return json.dump({"resourceType": "Bundle", **head, "entry": entries})


OPERATIONS = (
    Operation(definition("Resource-graph"), graph),
    Operation(definition("Composition-document"), document, frozenset({"Composition"})),
)
