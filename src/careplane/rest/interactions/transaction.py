"""batch and transaction (FHIR R4, 3.1.0.11)."""

from __future__ import annotations

from functools import partial

from careplane.kernel.clock import format_instant
from careplane.records import commands as c
from careplane.records import etag
from careplane.records.bodies import whole
from careplane.records.results import Answer, Found, Version, Versions, Written
from careplane.rest import body
from careplane.rest.bundle import answered, bundle
from careplane.rest.interactions import written
from careplane.rest.interactions.history import entries_of
from careplane.rest.interactions.search import searchset, shape_of
from careplane.rest.outcome import status_of, told
from careplane.rest.prefer import Return
from careplane.rest.request import Request
from careplane.rest.response import Response
from careplane.rest.service import Service
from careplane.rest.watch import Seen


async def process(service: Service, request: Request) -> Response:
    """POST of a Bundle to the base."""
    raw = await body.resource(request, service.limit)
    command = c.Process(raw, request.prefer.handling, partial(_operate, service, request))
    done = await service.door.process(request.caller, command)
    request.seen.entries = len(done.answers)
    kind = "transaction-response" if done.transaction else "batch-response"
    return Response(200, bundle(kind, [_entry(request, answer) for answer in done.answers]))


async def _operate(service: Service, request: Request, call: c.Operate) -> c.Operated:
    """An entry that calls an operation, as a request of its own."""
    assert service.operate is not None

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": call.raw, "more_body": False}

    headers = {k: v for k, v in request.headers.items() if k == b"prefer"}
    headers[b"content-type"] = b"application/fhir+json"
    inner = Request(
        method=call.method,
        path=call.path,
        query=call.query,
        headers=headers,
        base=request.base,
        caller=request.caller,
        receive=receive,
        seen=Seen(),
    )
    answer = await service.operate(inner, call.only_reading)
    location = dict(answer.headers).get(b"location")
    return c.Operated(answer.status, answer.body, location.decode() if location else None)


def _entry(request: Request, answer: Answer) -> bytes:
    if answer.error is not None:
        status = {"status": str(status_of(answer.error))}
        return answered(b"", status, told(answer.error))
    match answer.result:
        case Written() as done:
            return _written(request, done)
        case c.Operated() as operated:
            place = {"location": operated.location} if operated.location else {}
            return answered(operated.body, {"status": str(operated.status), **place})
        case Version() as version:
            return answered(whole(version), _response("200", version))
        case Found() as found:
            shape = shape_of(found.understood)
            return answered(searchset(request.base, found, shape, []), {"status": "200"})
        case Versions() as versions:
            entries = entries_of(request.base, versions)
            return answered(bundle("history", entries, (), versions.total), {"status": "200"})
    raise AssertionError(answer.method)


def _written(request: Request, done: Written) -> bytes:
    version = done.version
    status = str(written.STATUS[done.effect])
    response = _response(status, version) if version else {"status": status}
    returns = request.prefer.returns
    said = written.said(done) if returns is Return.OUTCOME else b""
    shown = returns is Return.REPRESENTATION and version is not None and not version.deleted
    return answered(whole(version) if shown and version else b"", response, said)


def _response(status: str, version: Version) -> dict[str, str]:
    response = {"status": status}
    if not version.deleted:
        response["location"] = f"{version.type}/{version.id}/_history/{version.version}"
    response["etag"] = etag.write(version.version)
    response["lastModified"] = format_instant(version.last_updated)
    return response
