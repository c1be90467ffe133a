"""My visits: those to come and those that were, how to join and prepare, and cancelling.

What may still be cancelled is up to the desk of `telehealth.scheduling`, which keeps to the
terms of the schedule.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict
from careplane.telehealth.scheduling.calendars import invitation
from careplane.web.chart import visits
from careplane.web.forms import fields
from careplane.web.pages.portal import documents
from careplane.web.pages.portal.own import may_act, of, portal_of, references
from careplane.web.reader import NOT_ALLOWED
from careplane.web.security import HEADERS, PRIVATE
from careplane.web.visit import Visit, redirect

_REASON = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
_WHY = 300
_KINDS = ("Practitioner", "PractitionerRole", "Location")


async def show(visit: Visit, patient: str) -> Response:
    """GET /my/visits."""
    found, papers, held = await visit.reader.several(
        ("Appointment", of(patient, ("_sort", "-date"), count=100)),
        ("DocumentReference", of(patient, ("_sort", "-date"), count=100)),
        ("Encounter", of(patient, ("appointment:missing", "false"), count=100)),
    )
    rows = await shown(visit, patient, found.trees)
    summaries: dict[str, list[dict[str, str]]] = {}
    by_encounter = {
        f"Encounter/{tree['id']}": references(tree, "appointment") for tree in held.trees
    }
    for paper in map(documents.row, papers.trees):
        for about in paper["visits"]:
            for one in by_encounter.get(about, [about]):
                summaries.setdefault(one, []).append(paper)
    coming = sorted((row for row in rows if row.coming), key=lambda row: row.sort)
    return visit.render(
        "portal/visits.html",
        coming=coming,
        past=[row for row in rows if not row.coming],
        summaries=summaries,
        hidden=found is NOT_ALLOWED,
        cut=len(found.records) if found.next else 0,
        book=may_act(visit) and visit.leads("/book"),
        said=visit.query("said"),
    )


async def one(visit: Visit, patient: str, problem: str = "", why: str = "") -> Response:
    """GET /my/visits/{id}."""
    record = await visit.reader.read("Appointment", visit.path("id"))
    (row,) = await shown(visit, patient, [record.tree])
    can = may_act(visit) and visit.web.portal is not None
    reschedule = f"/book/{record.id}/move"
    return visit.render(
        "portal/visit.html",
        409 if problem else 200,
        row=row,
        cancel=can and row.status in ("booked", "pending", "waitlist"),
        move=reschedule if can and row.status == "booked" and visit.leads(reschedule) else "",
        problem=problem,
        why=why,
        phone=visit.web.visits.phone if visit.web.visits else "",
    )


async def cancel(visit: Visit, patient: str) -> Response:
    """POST /my/visits/{id}/cancel, with `why`."""
    assert visit.caller is not None
    sent = await fields(visit.request)
    why = sent.get("why", "").strip()[:_WHY]
    try:
        await portal_of(visit).desk.cancel(visit.caller, visit.path("id"), (_REASON, "pat", why))
    except Conflict as refused:
        return await one(visit, patient, refused.text, why)
    return redirect("/my/visits?said=cancelled")


async def ical(visit: Visit, patient: str) -> Response:
    """GET /my/visits/{id}/ical: for the calendar of a phone."""
    record = await visit.reader.read("Appointment", visit.path("id"))
    scope = visit.request.scope
    base = visit.web.addressing.base(scope, dict(scope["headers"]))
    file = invitation.publish([(record.tree, record.version)], base)
    named = {"Content-Disposition": 'attachment; filename="visit.ics"'}
    return Response(file, media_type=invitation.MEDIA, headers=HEADERS | PRIVATE | named)


async def shown(visit: Visit, patient: str, trees: Iterable[Tree]) -> list[visits.Shown]:
    """Appointments as rows, with the people and places that they name."""
    trees = list(trees)
    wanted = {name for tree in trees for name in visits.place_names(tree)}
    asked = []
    for kind in _KINDS:
        ids = sorted({n.partition("/")[2] for n in wanted if n.startswith(f"{kind}/")})[:100]
        asked.append((kind, [("_id", ",".join(ids) or "none"), ("_count", "100")]))
    me, *pages = await visit.reader.several(
        ("Patient", [("_id", patient)]), *(one for one in asked if one[1][0][1] != "none")
    )
    known = {f"{t['resourceType']}/{t['id']}": t for page in pages for t in page.trees}
    behind = {visits.by_role(tree).rpartition("/")[2] for tree in known.values()} - {""}
    if behind:
        few = ",".join(sorted(behind)[:100])
        names = await visit.reader.glance("Practitioner", [("_id", few), ("_count", "100")])
        known |= {f"Practitioner/{tree['id']}": tree for tree in names.trees}
    self_ = me.trees[0] if me.trees else {}
    now = visit.web.clock() / 1_000_000
    rooms = visit.web.visits
    early, late = (rooms.early, rooms.late) if rooms else (None, 0)
    return [
        visits.shown(tree, self_, known, now, early, late, visit.audience.zone) for tree in trees
    ]
