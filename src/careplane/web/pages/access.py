"""Who opened the record of a patient, and the accounting of disclosures."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from careplane.records.audits.disclosures import YEARS, Disclosure, accounting, as_csv
from careplane.web.chart import access
from careplane.web.chart.banner import person
from careplane.web.reader import NOT_ALLOWED, Page
from careplane.web.security import HEADERS, PRIVATE
from careplane.web.visit import Visit

_SHOWN = 200
_PEOPLE = ("Practitioner", "Patient", "RelatedPerson")


async def opened(visit: Visit, patient: str) -> dict[str, Any]:
    """The newest events of the trail that concern a patient, in plain words."""
    pairs = (("patient", f"Patient/{patient}"), ("_sort", "-date"), ("_count", str(_SHOWN)))
    page = await visit.reader.glance("AuditEvent", pairs)
    names = await names_of(visit, access.agents(page.trees)) | await _visitors(visit, patient, page)
    return {
        "days": access.days(page.trees, names),
        "hidden": page is NOT_ALLOWED,
        "cut": len(page.records) if page.next else 0,
    }


async def _visitors(visit: Visit, patient: str, page: Page) -> dict[str, str]:
    """Who came by health links, in their own words; what a patient calls a link is for the patient
    alone."""
    desk, caller = visit.web.sharing, visit.caller
    if desk is None or caller is None or page is NOT_ALLOWED:
        return {}
    found = await desk.shares.visitors(caller.tenant, patient)
    own = desk.shares.may(caller, patient)
    return {
        name: f"{who} ({label})" if label and own else who for name, (who, label) in found.items()
    }


async def disclosures(visit: Visit) -> Response:
    """GET /patients/{id}/disclosures: to print, with a way to the same as CSV."""
    record = await visit.reader.read("Patient", visit.path("id"))
    lines, extended = await _lines(visit)
    names = await names_of(visit, [line.who for line in lines])
    return visit.render(
        "pages/disclosures.html",
        person=person(record.tree, visit.today),
        lines=lines,
        names=names,
        extended=extended,
        years=YEARS,
    )


async def disclosures_csv(visit: Visit) -> Response:
    """GET /patients/{id}/disclosures/csv."""
    lines, _ = await _lines(visit)
    headers = {"Content-Disposition": 'attachment; filename="disclosures.csv"'}
    return Response(as_csv(lines), media_type="text/csv", headers=HEADERS | PRIVATE | headers)


async def _lines(visit: Visit) -> tuple[list[Disclosure], bool]:
    assert visit.caller is not None
    extended = visit.query("extended") == "true"
    lines = await accounting(
        visit.web.door, visit.caller, visit.path("id"), visit.web.clock(), extended=extended
    )
    return lines, extended


async def names_of(visit: Visit, references: list[str]) -> dict[str, str]:
    """Names of people by reference, as far as the visitor may know them."""
    found: dict[str, str] = {}
    for type in _PEOPLE:
        ids = sorted({r.partition("/")[2] for r in references if r.startswith(f"{type}/")})
        for start in range(0, len(ids), 50):
            some = ",".join(ids[start : start + 50])
            page = await visit.reader.glance(type, [("_id", some), ("_count", "50")])
            for tree in page.trees:
                found[f"{type}/{tree['id']}"] = person(tree, visit.today).name.text
    return found
