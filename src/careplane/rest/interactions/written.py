"""How a write is answered: status, Location, ETag, and as much as the client prefers (FHIR R4,
3.1.0.1.9); with `Prefer: receipt` the ledger's receipt, base64, in X-Receipt."""

from __future__ import annotations

import base64
from contextlib import suppress

from careplane.kernel.errors import Busy, Issue, NotFound
from careplane.records.bodies import whole
from careplane.records.results import Effect, Written
from careplane.rest.links import address
from careplane.rest.outcome import outcome
from careplane.rest.prefer import Return
from careplane.rest.request import Request
from careplane.rest.response import Response, version_headers
from careplane.rest.service import Service

STATUS: dict[Effect, int] = {
    Effect.CREATED: 201,
    Effect.UPDATED: 200,
    Effect.UNCHANGED: 200,
    Effect.FOUND: 200,
    Effect.DELETED: 204,
    Effect.ABSENT: 204,
}
RECEIPT = b"x-receipt"
_MADE = frozenset({Effect.CREATED, Effect.UPDATED, Effect.DELETED})
SAID: dict[Effect, str] = {
    Effect.CREATED: "Created.",
    Effect.UPDATED: "Updated.",
    Effect.UNCHANGED: "The content is the same; no new version was made.",
    Effect.FOUND: "A resource that matches is there already; nothing was created.",
    Effect.DELETED: "Deleted.",
    Effect.ABSENT: "There was nothing to delete.",
}


async def answer(service: Service, request: Request, written: Written) -> Response:
    """The answer to a write of one resource; with its receipt where the client prefers that."""
    response = _answer(request, written)
    made = written.version if written.effect in _MADE else None
    if made is not None and service.receipt is not None and request.prefer.receipt:
        with suppress(Busy, NotFound):  # a preference: the write is done, `$receipt` has it later
            receipt = await service.receipt(request.caller, made)
            response.headers.append((RECEIPT, base64.b64encode(receipt)))
    return response


def said(written: Written) -> bytes:
    """An OperationOutcome: what was done, and what the profiles have to say."""
    done = Issue("information", "informational", SAID[written.effect])
    return outcome((done, *written.issues))


def _answer(request: Request, written: Written) -> Response:
    status, version = STATUS[written.effect], written.version
    response = Response(status)
    if version is not None:
        response.headers = version_headers(version)
        if not version.deleted:
            place = address(
                request.base, version.type, version.id, "_history", str(version.version)
            )
            response.headers.append((b"location", place.encode()))
    if request.prefer.returns is Return.OUTCOME:
        response.status = 200 if status == 204 else status
        response.body = said(written)
    elif request.prefer.returns is not Return.MINIMAL and version and not version.deleted:
        response.body = whole(version)
    return response
