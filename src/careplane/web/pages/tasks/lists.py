"""Tasks: mine, those of my pools, what I asked others for, what has ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.responses import Response

from careplane.telehealth.tasks.task import Task
from careplane.telehealth.tasks.tasks import BOXES, Box
from careplane.web.i18n import mark
from careplane.web.pages.messages.shared import patient_named
from careplane.web.pages.people_of import people
from careplane.web.pages.tasks.making import owners
from careplane.web.pages.tasks.shared import CODES, PRIORITIES, STATUSES, address, tasks_of
from careplane.web.visit import Visit

TITLES: dict[Box, str] = {
    "mine": mark("Mine"),
    "pools": mark("Of my pools"),
    "asked": mark("Asked of others"),
    "ended": mark("Ended"),
}


async def show(visit: Visit) -> Response:
    """GET /tasks, with `box`, `patient` and `priority`."""
    tasks, caller = tasks_of(visit)
    asker = await tasks.pools.asker(caller)
    box = next((one for one in BOXES if one == visit.query("box")), BOXES[0])
    priority = visit.query("priority") if visit.query("priority") in PRIORITIES else ""
    patient = visit.query("patient")
    rows, more = await tasks.box(caller, asker, box, patient, priority)
    return visit.render(
        "tasks/list.html",
        tasks=await _called(visit, rows),
        more=more,
        box=box,
        boxes=[(one, TITLES[one]) for one in BOXES],
        priority=priority,
        patient=patient,
        people=await people(visit, [one.patient for one in rows]),
        named=await patient_named(visit, patient),
        **_words(visit),
    )


async def of_patient(visit: Visit, patient: str) -> dict[str, Any]:
    """The tab of the chart."""
    tasks, caller = tasks_of(visit)
    rows, more = await tasks.of_patient(caller, patient)
    return {"tasks": await _called(visit, rows), "more": more, "people": {}, **_words(visit)}


async def _called(visit: Visit, rows: list[Task]) -> list[Task]:
    """With the names of those whose Task is said to be by reference alone."""
    if all(one.owner.name or not one.owner.reference for one in rows):
        return rows
    names = dict((await owners(visit))["people"])
    patients = [one.owner.reference for one in rows if one.owner.is_patient]
    names |= {key: who.name.text for key, who in (await people(visit, patients)).items()}
    return [
        replace(one, tree={**one.tree, "owner": {**one.tree["owner"], "display": shown}})
        if not one.owner.name and (shown := names.get(one.owner.reference))
        else one
        for one in rows
    ]


def _words(visit: Visit) -> dict[str, Any]:
    return {
        "statuses": STATUSES,
        "priorities": PRIORITIES,
        "codes": CODES,
        "address": address,
        "now": visit.web.clock(),
    }
