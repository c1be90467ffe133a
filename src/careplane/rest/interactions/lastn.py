"""`Observation/$lastn` (FHIR R4, Observation-lastn)."""

from __future__ import annotations

from careplane.kernel.errors import Incorrect
from careplane.records import commands as c
from careplane.records.lastn import MOST
from careplane.rest.bundle import Link
from careplane.rest.interactions.search import searchset, shape_of
from careplane.rest.links import address, with_query
from careplane.rest.operation import Call, Operation, definition
from careplane.rest.response import Response


async def lastn(call: Call) -> Response:
    """A searchset, whole."""
    request = call.request
    most = call.text("max")
    if most is not None and not (most.isascii() and most.isdigit() and 0 < int(most[:9]) <= MOST):
        raise Incorrect(f"max is a whole number from 1 to {MOST}.")
    pairs = tuple((name, _text(name, value)) for name, value in call.values if name != "max")
    command = c.Lastn(pairs, int(most or 1), request.prefer.handling)
    found = await call.service.door.lastn(request.caller, command)
    maximum = (("max", most),) if most else ()
    url = with_query(address(request.base, *request.path), (*found.understood, *maximum))
    shape = shape_of(found.understood)
    return Response(200, searchset(request.base, found, shape, [Link("self", url)]))


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    raise Incorrect(f"The parameter {name[:64]!r} must be text, as in a search.")


OPERATIONS = (Operation(definition("Observation-lastn"), lastn, frozenset({"Observation"})),)
