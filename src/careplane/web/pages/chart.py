"""The chart of one patient: the banner and one tab. Each tab reads what it shows and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from careplane.fhir.tree import Tree
from careplane.kernel.errors import NotFound
from careplane.web.chart import growth, lists, prescribed, results, timeline
from careplane.web.chart.awaiting import Seen, seen
from careplane.web.chart.banner import person
from careplane.web.i18n import mark
from careplane.web.pages import (
    access,
    awaiting,
    caring,
    consents,
    filed,
    form_lists,
    growing,
    ordering,
    share,
    writing,
)
from careplane.web.pages.launch import apps
from careplane.web.pages.messages import lists as lists_of_messages
from careplane.web.pages.tasks import lists as lists_of_tasks
from careplane.web.reader import NOT_ALLOWED, Page, Pairs
from careplane.web.visit import Visit

Values = dict[str, Any]
Tab = Callable[[Visit, str], Awaitable[Values]]
MANY = 400
ALL = 1000


def _of(patient: str, *more: tuple[str, str], count: int = MANY) -> Pairs:
    return [("patient", patient), *more, ("_count", str(count))]


async def _list(visit: Visit, patient: str, type: str, make: Callable[..., lists.Row]) -> Values:
    page = await visit.reader.glance(type, _of(patient))
    active, past = lists.current([make(tree) for tree in page.trees])
    return {"active": active, "past": past, **_writing(visit, type), **_note(page)}


def _writing(visit: Visit, type: str) -> Values:
    """Whether the list can be written, and was just now."""
    may = visit.web.clinic is not None
    return {
        "may_add": may and visit.may("c", type),
        "may_edit": may and visit.may("u", type),
        "saved": visit.query("saved"),
    }


def _note(*pages: Page) -> Values:
    """Whether a page is not for the caller, or holds only the newest records."""
    return {
        "hidden": any(page is NOT_ALLOWED for page in pages),
        "cut": max((len(page.records) for page in pages if page.next), default=0),
    }


async def problems(visit: Visit, patient: str) -> Values:
    """Conditions, active first."""
    return await _list(visit, patient, "Condition", lists.problem)


async def medications(visit: Visit, patient: str) -> Values:
    """What is prescribed, and what was, each with its directions and what became of a request for
    a refill."""
    page, asked = await asyncio.gather(
        visit.reader.glance("MedicationRequest", _of(patient)), _refills(visit, patient)
    )
    active, past = lists.current([lists.medication(tree) for tree in page.trees])
    return {
        "active": active,
        "past": past,
        "directions": {tree["id"]: prescribed.directions(tree)
                       for tree in page.trees},
        "refills": {key.rpartition("/")[2]: prescribed.refill(task) for key, task in asked.items()},
        "may_prescribe": visit.web.clinic is not None and visit.may("c", "MedicationRequest"),
        "may_ask": visit.web.clinic is not None and bool(visit.caller and visit.caller.patient),
        "saved": visit.query("saved"),
        "stopped": visit.query("stopped"),
        "asked": visit.query("asked"),
        **_note(page),
    }  # fmt: skip


async def _refills(visit: Visit, patient: str) -> dict[str, Tree]:
    if visit.web.clinic is None or visit.caller is None:
        return {}
    return await visit.web.clinic.refills.of(visit.caller, patient)


async def allergies(visit: Visit, patient: str) -> Values:
    """Allergies and intolerances with their reactions."""
    return await _list(visit, patient, "AllergyIntolerance", lists.allergy)


async def immunizations(visit: Visit, patient: str) -> Values:
    """Vaccines given, newest first."""
    page = await visit.reader.glance("Immunization", _of(patient))
    rows = lists.newest(map(lists.immunization, page.trees))
    return {"rows": rows, **_writing(visit, "Immunization"), **_note(page)}


async def vitals(visit: Visit, patient: str) -> Values:
    """Vital signs as plots, each beside its newest values."""
    more = (("category", "vital-signs"), ("_sort", "-date"))
    page = await visit.reader.glance("Observation", _of(patient, *more))
    trends = _by_rank(results.trends(results.readings(page.trees)))
    since = f"{visit.today - timedelta(days=365)}"
    shown = [(trend, trend.recent(since)) for trend in trends]
    return {"trends": shown, **_writing(visit, "Observation"), **_note(page)}


VITALS = ("29463-7", "59408-5", "2708-6", "85354-9", "8867-4", "8310-5", "8331-1", "9279-1")
"""LOINC codes in the order in which a clinician looks for them; others follow."""


def _by_rank(trends: list[results.Trend]) -> list[results.Trend]:
    rank = {code: place for place, code in enumerate(VITALS)}
    return sorted(trends, key=lambda trend: rank.get(trend.key, len(rank)))


async def laboratory(visit: Visit, patient: str) -> Values:
    """A flowsheet of laboratory results, and the reports."""
    (observations, reports), waiting = await asyncio.gather(
        visit.reader.several(
            ("Observation", _of(patient, ("category", "laboratory"), ("_sort", "-date"))),
            ("DiagnosticReport", _of(patient, ("_sort", "-date"), count=20)),
        ),
        awaiting.waiting(visit, mine=False, patient=patient),
    )
    rows = results.readings(observations.trees)
    return {
        "waiting": waiting,
        "seen": await _seen(visit, reports),
        "done": visit.query("done"),
        "before": visit.query("before"),
        "sheet": flowsheet(rows),
        "reports": [lists.report(tree) for tree in reports.trees],
        **_note(observations),
    }


async def _seen(visit: Visit, reports: Page) -> dict[str, Seen]:
    """Who acknowledged reports, by id."""
    if visit.web.clinic is None or not awaiting.may_see(visit):
        return {}
    assert visit.caller is not None
    found = await visit.web.clinic.results.acknowledgements(visit.caller, reports.trees)
    return {name.rpartition("/")[2]: seen(task) for name, task in found.items()}


COLUMNS = 5


def flowsheet(rows: list[results.Reading]) -> Values:
    """Results by test and day, the newest days first; abnormal tests stand on top."""
    days = list(dict.fromkeys(row.when[:10] for row in rows))[:COLUMNS]
    lines = []
    for trend in results.trends(rows):
        cells = {reading.when[:10]: reading for reading in reversed(trend.readings)}
        lines.append((trend, [cells.get(day) for day in days]))
    lines = [line for line in lines if any(line[1])]
    lines.sort(key=lambda line: -(line[0].latest.flag.gravity if line[0].latest.flag else 0))
    return {"days": days, "lines": lines}


async def history(visit: Visit, patient: str) -> Values:
    """What happened, day by day."""
    pages = await visit.reader.several(
        *((type, _of(patient, count=200)) for type in timeline.KINDS)
    )
    trees = [tree for page in pages for tree in page.trees]
    return {"days": timeline.days(trees), "hidden": all(p is NOT_ALLOWED for p in pages)}


async def summary(visit: Visit, patient: str) -> Values:
    """The first look: problems, medications, newest results, who cares, what comes."""
    soon = ("date", f"ge{visit.today}")
    recent = ("date", f"ge{visit.today - timedelta(days=90)}")
    conditions, drugs, observations, visits, teams, plans, reports = await visit.reader.several(
        ("Condition", _of(patient)),
        ("MedicationRequest", _of(patient)),
        ("Observation", _of(patient, recent, ("_sort", "-date"))),
        ("Appointment", _of(patient, soon, ("_sort", "date"), count=5)),
        ("CareTeam", _of(patient, count=5)),
        ("CarePlan", _of(patient, ("status", "active"), count=10)),
        ("DiagnosticReport", _of(patient, ("_sort", "-date"), count=4)),
    )
    trends = results.trends(results.readings(observations.trees))
    return {
        "problems": lists.current([lists.problem(tree) for tree in conditions.trees])[0],
        "medications": lists.current([lists.medication(tree) for tree in drugs.trees])[0],
        "abnormal": _gravest(trends)[:8],
        "trends": [t for t in _by_rank(trends) if len(t.readings) > 2 and t.plotted][:4],
        "visits": [lists.visit(tree) for tree in visits.trees],
        "team": lists.members(teams.trees),
        "plans": [str(tree.get("title", "")) for tree in plans.trees if tree.get("title")],
        "reports": [lists.report(tree) for tree in reports.trees],
        "hidden": conditions is NOT_ALLOWED and observations is NOT_ALLOWED,
    }


def _gravest(trends: list[results.Trend]) -> list[results.Trend]:
    """Trends whose newest value is flagged, critical ones first, the newest first among equals."""
    flagged = [t for t in trends if t.latest.flag and t.latest.flag.gravity]
    return sorted(flagged, key=lambda t: -t.latest.flag.gravity if t.latest.flag else 0)


async def trend(visit: Visit, patient: str) -> Values:
    """All values of one code: a plot and its table."""
    more = (("code", visit.path("code")), ("_sort", "-date"))
    page = await visit.reader.glance("Observation", _of(patient, *more, count=ALL))
    found = results.trends(results.readings(page.trees))
    if not found and page is not NOT_ALLOWED:
        raise NotFound("This patient has no such result.")
    return {"trend": found[0] if found else None, **_note(page)}


TABS: dict[str, tuple[str, Tab, str]] = {
    "summary": (mark("Summary"), summary, "Patient"),
    "timeline": (mark("Timeline"), history, "Encounter"),
    "problems": (mark("Problems"), problems, "Condition"),
    "medications": (mark("Medications"), medications, "MedicationRequest"),
    "allergies": (mark("Allergies"), allergies, "AllergyIntolerance"),
    "immunizations": (mark("Immunizations"), immunizations, "Immunization"),
    "vitals": (mark("Vital signs"), vitals, "Observation"),
    "growth": (mark("Growth"), growing.tab, "Observation"),
    "results": (mark("Results"), laboratory, "Observation"),
    "team": (mark("Care team"), caring.tab, "CareTeam"),
    "orders": (mark("Orders"), ordering.tab, "ServiceRequest"),
    "documents": (mark("Notes and documents"), filed.tab, "DocumentReference"),
    "forms": (mark("Forms"), form_lists.tab, "QuestionnaireResponse"),
    "access": (mark("Who opened it"), access.opened, "AuditEvent"),
    "messages": (mark("Messages"), lists_of_messages.of_patient, "Communication"),
    "tasks": (mark("Tasks"), lists_of_tasks.of_patient, "Task"),
    "consent": (mark("Sharing"), consents.tab, "Consent"),
    "share": (mark("Share a copy"), share.tab, "Patient"),
    "apps": (mark("Apps"), apps, "Patient"),
}
"""Path → title, what is read, and the type without which the tab is not offered. The template has
the name of the path."""


def tab(key: str, make: Tab, template: str = "") -> Callable[[Visit], Awaitable[Response]]:
    """The handler of one tab: the banner and the tab are read side by side."""

    async def show(visit: Visit) -> Response:
        return await shown(visit, key, make, template)

    return show


async def shown(
    visit: Visit, key: str, make: Tab, template: str = "", status: int = 200, **more: Any
) -> Response:
    """A tab in its frame; `more` are values that a form which was refused shows besides."""
    patient = visit.path("id")
    around, values = await asyncio.gather(frame(visit, patient, key), make(visit, patient))
    return visit.render(f"chart/{template or key}.html", status, **(around | values | more))


async def frame(visit: Visit, patient: str, key: str) -> Values:
    """What stands around a page of a chart: who, allergies, alerts, the tabs, of which it is one or
    belongs to one, and the workspace where one is open."""
    record, beside, (known, flags) = await asyncio.gather(
        visit.reader.read("Patient", patient),
        writing.workspace(visit, patient),
        visit.reader.several(
            ("AllergyIntolerance", _of(patient, count=50)), ("Flag", _of(patient, count=50))
        ),
    )
    return {
        "workspace": beside,
        "tab": key,
        "person": person(record.tree, visit.today),
        "known_allergies": lists.current([lists.allergy(tree) for tree in known.trees])[0],
        "allergies_hidden": known is NOT_ALLOWED,
        "alerts": [row for row in map(lists.alert, flags.trees) if row.active],
        "tabs": [
            (key, title)
            for key, (title, _, type) in TABS.items()
            if visit.offers(type)
            and _is_there(visit, key)
            and (key != "growth" or growth.is_child(record.tree, visit.today))
        ],
    }


def _is_there(visit: Visit, key: str) -> bool:
    """Whether this server has what a tab is about."""
    web = visit.web
    there = {"apps": web.apps, "share": web.sharing, "messages": web.talk, "tasks": web.talk}
    return key not in there or there[key] is not None
