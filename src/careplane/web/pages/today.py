"""The home of a clinician: who needs attention, abnormal results, who comes next."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta

from starlette.responses import Response

from careplane.web.chart import lists
from careplane.web.chart.banner import Person, person
from careplane.web.chart.results import Reading, reading
from careplane.web.pages.portal import home
from careplane.web.reader import NOT_ALLOWED, Page
from careplane.web.visit import Visit

DAYS = 3
SHOWN = 12


async def show(visit: Visit) -> Response:
    """GET /."""
    if visit.caller and visit.caller.patient:
        return await home.show(visit)
    if visit.session and visit.session.id.startswith("RelatedPerson/"):
        return visit.render("portal/choose.html")
    flags, observations, appointments = await visit.reader.several(
        ("Flag", [("_sort", "-date"), ("_count", "50")]),
        ("Observation", [
            ("date", f"ge{visit.today - timedelta(days=DAYS)}"),
            ("category", "laboratory,vital-signs"), ("_sort", "-date"), ("_count", "100"),
        ]),
        ("Appointment", [
            ("date", f"ge{visit.today}"), ("status", "booked,arrived,checked-in"),
            ("_sort", "date"), ("_count", str(SHOWN)),
        ]),
    )  # fmt: skip
    alerts = [row for row in map(lists.alert, flags.trees) if row.active][:SHOWN]
    abnormal = _abnormal(observations)[:SHOWN]
    visits = [lists.visit(tree) for tree in appointments.trees]
    wanted = [row.extra for row in (*alerts, *visits)] + [subject for subject, _ in abnormal]
    return visit.render(
        "pages/today.html",
        alerts=alerts,
        abnormal=abnormal,
        visits=visits,
        people=await people(visit, wanted),
        hidden={
            "alerts": flags is NOT_ALLOWED,
            "results": observations is NOT_ALLOWED,
            "visits": appointments is NOT_ALLOWED,
        },
        days=DAYS,
    )


def _abnormal(page: Page) -> list[tuple[str, list[Reading]]]:
    """Flagged readings by patient, the newest of each code; whoever has the gravest comes first."""
    latest: dict[str, dict[str, Reading]] = {}
    for tree in page.trees:
        subject = str(tree.get("subject", {}).get("reference", ""))
        row = reading(tree)
        if row and row.flag and row.flag.gravity:
            latest.setdefault(subject, {}).setdefault(row.key, row)
    groups = [(subject, sorted(rows.values(), key=_ease)) for subject, rows in latest.items()]
    return sorted(groups, key=lambda group: _ease(group[1][0]))


def _ease(row: Reading) -> int:
    """The graver, the smaller."""
    return -row.flag.gravity if row.flag else 0


async def people(visit: Visit, references: Iterable[str]) -> dict[str, Person]:
    """The patients behind references such as `Patient/17`, by reference."""
    ids = sorted({r.removeprefix("Patient/") for r in references if r.startswith("Patient/")})
    parts = [ids[start : start + 50] for start in range(0, len(ids), 50)]
    pages = await asyncio.gather(
        *(
            visit.reader.glance("Patient", [("_id", ",".join(part)), ("_count", "50")])
            for part in parts
        )
    )
    found = (person(tree, visit.today) for page in pages for tree in page.trees)
    return {f"Patient/{one.id}": one for one in found}
