"""Pages for every resource type of R4: types, search, details, history, source."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import Response

from careplane.fhir.codec import json as fhir_json
from careplane.fhir.definitions import RESOURCE_TYPES, is_resource
from careplane.kernel.errors import NotFound
from careplane.web.chart.outline import outline
from careplane.web.pages import columns
from careplane.web.reader import Record
from careplane.web.security import HEADERS, PRIVATE
from careplane.web.visit import Visit

COUNT = 50
MOST = 200
_OWN = {"cursor"}


async def types(visit: Visit) -> Response:
    """GET /records: the types, with how many records the caller may see of each."""
    counts = await visit.reader.counts()
    rest = [type for type in RESOURCE_TYPES if type not in counts]
    used = sorted(counts.items())
    return visit.render("pages/types.html", used=used, rest=rest, total=sum(counts.values()))


async def search(visit: Visit) -> Response:
    """GET /records/{type}: the query string is that of a FHIR search."""
    type = _type(visit)
    asked = [
        (name, _bounded(value) if name == "_count" else value)
        for name, value in visit.request.query_params.multi_items()
        if value and name not in _OWN
    ]
    pairs = asked + [(k, v) for k, v in _defaults().items() if k not in dict(asked)]
    cursor = visit.query("cursor") or None
    page, problem = await visit.reader.attempt(type, pairs, cursor)
    here = f"/records/{type}"
    return visit.render(
        "pages/search.html",
        400 if problem else 200,
        type=type,
        columns=columns.columns(type),
        rows=[(record, columns.cells(type, record.tree)) for record in page.records],
        filters=columns.filters(type),
        asked=dict(asked),
        sorted=dict(asked).get("_sort", ""),
        sorts={c.code: _sorting(here, asked, c.code) for c in columns.columns(type)},
        total=page.total,
        issues=(*page.issues, *([problem] if problem else [])),
        first=f"{here}?{urlencode(asked)}" if cursor else "",
        next=f"{here}?{urlencode([*asked, ('cursor', page.next)])}" if page.next else "",
    )


def _bounded(count: str) -> str:
    """No more rows than a person can look at."""
    return str(MOST) if count.isdecimal() and (len(count) > 6 or int(count) > MOST) else count


def _sorting(here: str, asked: list[tuple[str, str]], code: str) -> str:
    """The same search sorted by a parameter; backwards if it is sorted by it already."""
    again = [(name, value) for name, value in asked if name != "_sort"]
    turned = f"-{code}" if ("_sort", code) in asked else code
    return f"{here}?{urlencode([*again, ('_sort', turned)])}"


def _defaults() -> Mapping[str, str]:
    return {"_count": str(COUNT), "_total": "accurate"}


async def details(visit: Visit) -> Response:
    """GET /records/{type}/{id}."""
    record = await visit.reader.read(_type(visit), visit.path("id"))
    return visit.render("pages/record.html", record=record, nodes=outline(record.tree), old=False,
                        patient=_patient(record))  # fmt: skip


async def version(visit: Visit) -> Response:
    """GET /records/{type}/{id}/history/{version}."""
    number = visit.path("version")
    if not number.isdecimal() or len(number) > 15:
        raise NotFound("There is no such version.")
    record = await visit.reader.vread(_type(visit), visit.path("id"), int(number))
    return visit.render("pages/record.html", record=record, nodes=outline(record.tree), old=True,
                        patient=_patient(record))  # fmt: skip


async def history(visit: Visit) -> Response:
    """GET /records/{type}/{id}/history."""
    type, id = _type(visit), visit.path("id")
    page = await visit.reader.history(type, id, visit.query("cursor") or None)
    next = f"/records/{type}/{id}/history?{urlencode({'cursor': page.next})}" if page.next else ""
    return visit.render("pages/history.html", type=type, id=id, rows=page.records, next=next)


async def source(visit: Visit) -> Response:
    """GET /records/{type}/{id}/json: the record as FHIR JSON, to read."""
    record = await visit.reader.read(_type(visit), visit.path("id"))
    text = fhir_json.pretty(record.raw).decode()
    return visit.render("pages/source.html", record=record, text=text, patient=_patient(record))


async def raw(visit: Visit) -> Response:
    """GET /records/{type}/{id}/raw: the record as FHIR JSON, to keep."""
    record = await visit.reader.read(_type(visit), visit.path("id"))
    headers = {"Content-Disposition": f'attachment; filename="{record.type}-{record.id}.json"'}
    return Response(
        fhir_json.pretty(record.raw),
        media_type="application/fhir+json",
        headers=HEADERS | PRIVATE | headers,
    )


def _type(visit: Visit) -> str:
    type = visit.path("type")
    if not is_resource(type):
        raise NotFound("FHIR R4 has no such resource type.")
    return type


def _patient(record: Record) -> str:
    """The id of the patient whose chart the record belongs to."""
    if record.type == "Patient":
        return record.id
    for name in ("patient", "subject"):
        kind, _, id = str((record.tree.get(name) or {}).get("reference", "")).partition("/")
        if kind == "Patient":
            return id
    return ""
