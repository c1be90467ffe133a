"""Schedules, looked after: who can be seen when, for what, and on which terms; with a preview."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.responses import Response

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid, Precondition
from careplane.records import commands
from careplane.telehealth.scheduling.occupancy import alone
from careplane.web.agenda import plan
from careplane.web.agenda.clock import local
from careplane.web.agenda.kinds import types
from careplane.web.agenda.roster import called
from careplane.web.agenda.words import MEDIA
from careplane.web.forms import fields
from careplane.web.i18n import mark
from careplane.web.pages.calendar.reading import schedules, tabs
from careplane.web.visit import Visit, redirect
from careplane.words.dates import long_day

_MOST_FIELDS, _MOST_BYTES = 2000, 200_000
_MANY = 200
_AHEAD = 28
STALE = mark(
    "Somebody else has changed this schedule in the meantime. Save again to put what is typed here "
    "in its place, or load the page anew."
)


async def everything(visit: Visit) -> Response:
    """GET /desk/schedules."""
    who = await schedules(visit, all=True)
    rows = [
        {
            "id": line.id,
            "who": ", ".join(map(who.name, line.people)) or who.site(line) or line.id,
            "where": who.site(line) if line.people else "",
            "zone": line.zone,
            "kinds": [one.name for one in types(line)],
            "rules": list(plan.rules_said(line.tree)),
            "active": line.tree.get("active") is not False,
        }
        for line in who.lines
    ]
    rows.sort(key=lambda row: (not row["active"], str(row["who"])))
    return visit.render(
        "calendar/schedules.html", desk_tabs=tabs(visit), rows=rows, said=visit.query("said")
    )


async def new(visit: Visit) -> Response:
    """GET /desk/schedules/new."""
    values = plan.filled({"resourceType": "Schedule"}) | {"kinds": "1", "rules": "1"}
    return await _page(visit, values, {"resourceType": "Schedule"})


async def show(visit: Visit) -> Response:
    """GET /desk/schedules/{id}."""
    record = await visit.reader.read("Schedule", visit.path("id"))
    rooms = await _rooms(visit)
    values = plan.filled(record.tree, rooms) | {"version": str(record.version)}
    return await _page(visit, values, record.tree)


async def create(visit: Visit) -> Response:
    """POST /desk/schedules/new."""
    return await _change(visit, {"resourceType": "Schedule"}, "")


async def change(visit: Visit) -> Response:
    """POST /desk/schedules/{id}: save, look at a preview, or one more row."""
    record = await visit.reader.read("Schedule", visit.path("id"))
    return await _change(visit, record.tree, visit.path("id"))


async def _change(visit: Visit, before: Tree, id: str) -> Response:
    sent = await fields(visit.request, _MOST_FIELDS, _MOST_BYTES)
    do = sent.get("do", "save")
    if do in ("rules", "kinds"):
        sent[do] = str(min(int(sent.get(do) or 0) + 1, plan.MOST_ROWS))
        return await _page(visit, sent, before)
    tree, rows = plan.made(sent, before, await _rooms(visit))
    places = await _places(visit, tree)
    wrong = plan.problems(tree, rows, places)
    if wrong or do == "preview":
        return await _page(visit, sent, before, wrong)
    assert visit.caller is not None
    version = sent.get("version", "")
    number = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else None
    try:
        if id:
            command = commands.Update("Schedule", id, json.dump(tree), number)
            await visit.web.door.update(visit.caller, command)
        else:
            await visit.web.door.create(visit.caller, commands.Create("Schedule", json.dump(tree)))
    except Precondition:
        newest = await visit.reader.read("Schedule", id)
        sent["version"] = str(newest.version)
        return await _page(visit, sent, before, problem=STALE)
    except Invalid as error:
        told = [plan.Problem("person", issue.text) for issue in error.issues]
        return await _page(visit, sent, before, told)
    return redirect("/desk/schedules?said=saved")


async def _page(
    visit: Visit,
    values: dict[str, str],
    before: Tree,
    wrong: list[plan.Problem] | None = None,
    problem: str = "",
) -> Response:
    rooms = await _rooms(visit)
    tree, _ = plan.made(values, before, rooms)
    places = await _places(visit, tree)
    people, sites = await visit.reader.several(
        ("Practitioner", [("_sort", "family"), ("_count", str(_MANY))]),
        ("Location", [("_sort", "name"), ("_count", str(_MANY))]),
    )
    first = local(visit.web.clock(), visit.audience.clock).date() + timedelta(days=1)
    return visit.render(
        "calendar/schedule.html",
        422 if wrong else 409 if problem else 200,
        values=_All(values),
        id=str(before.get("id", "")),
        people=_with(values, "person", [
            (f"Practitioner/{one['id']}", called(one)) for one in people.trees
        ]),
        places=_with(values, "place", [
            (f"Location/{one['id']}", called(one)) for one in sites.trees
            if f"Location/{one['id']}" not in rooms
        ]),
        rooms=_with(values, "room", list(rooms.items())),
        kinds=range(int(values.get("kinds") or 0)),
        rules=range(int(values.get("rules") or 0)),
        week=plan.WEEK,
        media=MEDIA,
        terms=plan.TERMS,
        problems={one.field: one.text for one in wrong or ()},
        problem=problem,
        ahead=[(long_day(one.day), one) for one in
               plan.preview(tree, places, first, _AHEAD)] if not wrong else [],
        day_names=plan.DAYS,
    )  # fmt: skip


def _with(values: dict[str, str], name: str, found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The choices, with the one that is chosen where it is not among them."""
    chosen = values.get(name, "")
    there = not chosen or any(reference == chosen for reference, _ in found)
    return found if there else [(chosen, chosen), *found]


async def _rooms(visit: Visit) -> dict[str, str]:
    """Locations where one visit goes on at a time, by reference, with their names."""
    page = await visit.reader.glance("Location", [("_sort", "name"), ("_count", str(_MANY))])
    found = {f"Location/{one['id']}": one for one in page.trees}
    return {one: called(tree) for one, tree in found.items() if alone(one, found)}


async def _places(visit: Visit, tree: Tree) -> tuple[Tree, ...]:
    """The Locations of a Schedule, for their clock and holidays."""
    ids = [
        str(one["reference"]).partition("/")[2] for one in tree["actor"]
        if str(one["reference"]).startswith("Location/")
    ]  # fmt: skip
    if not ids:
        return ()
    page = await visit.reader.glance("Location", [("_id", ",".join(ids))])
    return tuple(page.trees)


class _All(dict[str, Any]):
    """Fields, empty where nothing was typed."""

    def __missing__(self, key: str) -> str:
        return ""
