"""The home: what a role has to do today, at most three clicks from its main job.

Who sees patients has their day, what asks them for something, results that nobody has acknowledged
and alerts; the front desk the day of everybody; a pharmacist what was prescribed. What a role may
not see is not read. All searches are bounded, and as many whatever they find.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from careplane.access.caller import Caller
from careplane.web.chart import lists
from careplane.web.chart.awaiting import by_patient
from careplane.web.chart.inbox import STATES, visiting
from careplane.web.pages.awaiting import Waiting, waiting
from careplane.web.pages.inbox import inbox
from careplane.web.pages.people_of import people, staff
from careplane.web.pages.portal import home
from careplane.web.pages.prescribed import Prescribed, newest
from careplane.web.reader import NOT_ALLOWED, Page
from careplane.web.visit import Visit

SHOWN = 12
_DAY = 120
_COMING = 8
_RESULTS = 30
_SHOWN_RESULTS = 10
_DESK = "front-desk"
_PHARMACY = "pharmacist"


async def show(visit: Visit) -> Response:
    """GET /."""
    assert visit.caller is not None
    if visit.caller.patient:
        return await home.show(visit)
    if visit.session and visit.session.id.startswith("RelatedPerson/"):
        return visit.render("portal/choose.html")
    roles = visit.caller.roles
    is_clinical = not roles & {_DESK, "auditor", "administrator", "privacy-officer"}
    is_pharmacy = _PHARMACY in roles
    day, asked, results, flags, prescribed = await asyncio.gather(
        _day(visit),
        inbox(visit),
        _results(visit) if is_clinical and not is_pharmacy else _none(),
        visit.reader.glance("Flag", [("_sort", "-date"), ("_count", "50")])
        if is_clinical else _nothing(),
        newest(visit) if is_pharmacy else _no_prescriptions(),
    )  # fmt: skip
    alerts = [row for row in map(lists.alert, flags.trees) if row.active][:SHOWN]
    shown = results.rows[:_SHOWN_RESULTS]
    wanted = [row.extra for row in alerts]
    wanted += [row.patient for row in (*day["now"], *day["coming"], *asked.rows, *shown)]
    wanted += [row.patient for row in prescribed.rows]
    by = [] if day["mine"] else [row.who for row in (*day["now"], *day["coming"])]
    known, colleagues = await asyncio.gather(people(visit, wanted), staff(visit, by))
    return visit.render(
        "pages/today.html",
        **day,
        states=STATES,
        asked=asked,
        results=results,
        shown=by_patient(shown),
        count=len(shown),
        alerts=alerts,
        alerts_hidden=flags is NOT_ALLOWED,
        prescribed=prescribed,
        people=known,
        staff=colleagues,
        clinical=is_clinical,
        pharmacy=is_pharmacy,
        done=visit.query("done"),
        before=visit.query("before"),
        others=_others(visit),
    )


async def _day(visit: Visit) -> dict[str, Any]:
    """Appointments of today, and the next ones; mine, or everybody's for who plans them."""
    assert visit.caller is not None
    me = visit.caller.id
    mine = _has_a_day(visit.caller) and visit.query("whose") != "all"
    page = await visit.reader.glance("Appointment", [
        ("date", f"ge{visit.today}"),
        ("status", "booked,pending,arrived,checked-in,fulfilled,noshow"),
        *([("actor", me)] if mine else []),
        ("_sort", "date"), ("_count", str(_DAY)),
    ])  # fmt: skip
    rows = [visiting(tree) for tree in page.trees]
    tomorrow = f"{visit.today + timedelta(days=1)}"
    now = [row for row in rows if row.start < tomorrow]
    return {
        "now": now,
        "coming": [row for row in rows if row.start >= tomorrow][:_COMING],
        "mine": mine,
        "may_see_all": _has_a_day(visit.caller),
        "day_hidden": page is NOT_ALLOWED,
        "here_now": sum(row.state in ("arrived", "checked-in") for row in now),
    }


def _has_a_day(caller: Caller) -> bool:
    """Whether somebody sees patients themselves."""
    return caller.id.startswith("Practitioner/") and not caller.roles & {_DESK, _PHARMACY}


async def _results(visit: Visit) -> Waiting:
    return await waiting(visit, mine=True, most=_RESULTS)


async def _none() -> Waiting:
    return Waiting([], hidden=True)


async def _nothing() -> Page:
    return NOT_ALLOWED


async def _no_prescriptions() -> Prescribed:
    return Prescribed([], hidden=True)


def _others(visit: Visit) -> list[str]:
    """Ways that a role without patients needs: keys of the template."""
    assert visit.caller is not None
    roles = visit.caller.roles
    ways = ["audit"] if roles & {"auditor", "privacy-officer"} else []
    if "administrator" in roles:
        ways += ["people", "clients"] if visit.session else []
        ways += ["records", "terminology", "packages"]
    return ways
