"""Copies of a record to take along."""

from __future__ import annotations

from starlette.responses import Response

from careplane.fhir.codec import json
from careplane.web.security import HEADERS, PRIVATE
from careplane.web.visit import Visit


async def summary(visit: Visit) -> Response:
    """GET: the International Patient Summary, as FHIR JSON."""
    assert visit.web.sharing is not None
    assert visit.caller is not None
    scope = visit.request.scope
    base = visit.web.addressing.base(scope, dict(scope["headers"]))
    made = await visit.web.sharing.summaries.of(visit.caller, visit.path("id"), base)
    return download(json.dump(made), "application/fhir+json", "patient-summary.json")


def download(body: bytes, media: str, name: str) -> Response:
    """A file to keep; its name says nothing about whom."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type=media, headers=HEADERS | PRIVATE | headers)
