"""The patient's home: what comes next, what is new, what is to be done, and the ways on."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from careplane.care.documents import given
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Forbidden
from careplane.web.chart import access, medicines, results, said
from careplane.web.pages.access import names_of
from careplane.web.pages.portal import results as tests
from careplane.web.pages.portal import visits
from careplane.web.pages.portal.own import may_act, of, own
from careplane.web.reader import NOT_ALLOWED
from careplane.web.visit import Visit

_NEW_DAYS = 30
_SHOWN = 4
_FILL = "fill-form"
_OPEN = "requested,received,accepted,ready,in-progress"


async def _home(visit: Visit, patient: str) -> Response:
    since = visit.today - timedelta(days=_NEW_DAYS)
    (appointments, found, forms, drugs, refills, refused), unread, opened = await asyncio.gather(
        visit.reader.several(
            ("Appointment", of(patient, ("date", f"ge{visit.today - timedelta(days=1)}"),
                               ("status", "booked,arrived,checked-in,pending"),
                               ("_sort", "date"), count=5)),
            ("Observation", of(patient, ("category", tests.CATEGORIES), ("date", f"ge{since}"),
                               ("_sort", "-date"), count=60)),
            ("Task", of(patient, ("code", f"{said.SYSTEM}|{_FILL}"), ("status", _OPEN), count=20)),
            ("MedicationRequest", of(patient, ("status", "active"), count=100)),
            ("Task", of(patient, ("code", f"{said.SYSTEM}|{medicines.REFILL}"), count=50)),
            ("Task", of(patient, ("code", f"{said.SYSTEM}|{given.CODE}"), ("status", "rejected"),
                        ("modified", f"ge{since}"), ("_sort", "-modified"), count=5)),
        ),
        _unread(visit),
        _opened(visit, patient),
    )  # fmt: skip
    rows = await visits.shown(visit, patient, appointments.trees)
    new = await tests.told(visit, results.trends(results.readings(found.trees)))
    now, _ = medicines.medicines(drugs.trees, refills.trees)
    return visit.render(
        "portal/home.html",
        next=next((row for row in rows if row.coming), None),
        new=new[:_SHOWN],
        more=max(len(new) - _SHOWN, 0),
        unread=unread,
        forms=[_form(tree) for tree in forms.trees],
        medicines=len(now),
        waiting=[one for one in now if one.open],
        refused=[_refused(tree) for tree in refused.trees],
        opened=opened,
        closed={
            "results": found is NOT_ALLOWED,
            "letters": unread is None,
            "medicines": drugs is NOT_ALLOWED,
        },
        book=may_act(visit) and visit.leads("/book"),
        fill=may_act(visit) and visit.leads("/forms", "POST"),
    )


show = own(_home)


async def menu(visit: Visit, patient: str) -> Response:
    """GET /my/menu: every way there is, for a phone."""
    return visit.render("portal/menu.html")


async def _unread(visit: Visit) -> int | None:
    """How many messages wait to be read; None for who may read none."""
    talk, caller = visit.web.talk, visit.caller
    if talk is None or caller is None:
        return None
    try:
        return await talk.reading.unread(caller, await talk.messages.pools.asker(caller))
    except Forbidden:
        return None


def _form(tree: Tree) -> dict[str, Any]:
    focus = tree.get("focus", {})
    until = tree.get("restriction", {}).get("period", {}) or tree.get("executionPeriod", {})
    return {
        "id": str(tree["id"]),
        "title": str(tree.get("description") or focus.get("display", "")),
        "until": str(until.get("end", "")),
    }


def _refused(tree: Tree) -> dict[str, str]:
    """A document that the practice did not take, and why."""
    focus = tree.get("focus", {})
    return {
        "id": str(focus.get("reference", "")).rpartition("/")[2],
        "title": str(focus.get("display", "")),
        "reason": str(tree.get("statusReason", {}).get("text", "")),
    }


async def _opened(visit: Visit, patient: str) -> tuple[str, str] | None:
    """Who opened the record last, other than who asks; the name and the moment."""
    assert visit.caller is not None
    pairs = [("patient", f"Patient/{patient}"), ("_sort", "-date"), ("_count", "40")]
    page = await visit.reader.glance("AuditEvent", pairs)
    for event in page.trees:
        who = next(iter(access.agents([event])), "")
        if who and who != visit.caller.id and not who.startswith(("client/", "service/")):
            names = await names_of(visit, [who])
            return names.get(who, who), str(event.get("recorded", ""))
    return None
