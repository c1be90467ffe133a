"""Time that is blocked: leave, holidays, meetings, of one person on all their Schedules.

It is a closing on each Schedule (docs/scheduling.md): of days, or of hours. Visits that are booked
already stay; they are shown, before it is blocked as well, and are moved or cancelled (`absences`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial

from starlette.responses import Response

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect, Precondition
from careplane.records import commands
from careplane.telehealth.scheduling import names
from careplane.web.agenda.roster import Line, Roster
from careplane.web.agenda.words import CLOSED
from careplane.web.forms import fields
from careplane.web.i18n import mark
from careplane.web.pages.calendar import absences
from careplane.web.pages.calendar.reading import schedules, tabs
from careplane.web.visit import Visit, redirect
from careplane.words.dates import day as say_day

_FIELDS = ("of", "reason", "first", "last", "from", "to", "why")
_MOST_WHY = 200
SAID = {
    "blocked": mark("The time is blocked."),
    "lifted": mark("The time can be booked again."),
}


@dataclass(frozen=True, slots=True)
class Block:
    """A closing of one Schedule, by its place there; `meets`: the query that shows its visits."""

    schedule: str
    number: int
    whom: str
    first: str
    last: str
    why: str
    period: Tree
    meets: str


async def show(visit: Visit) -> Response:
    """GET /desk/block; with `met=1` the visits that are booked in the time of its fields."""
    typed = {name: visit.query(name) for name in ("of", "first", "last", "from", "to")}
    typed["first"] = typed["first"] or visit.query("day")
    return await _page(visit, typed, {}, looks=visit.query("met") == "1")


async def _page(
    visit: Visit, typed: dict[str, str], problems: dict[str, str], *, looks: bool = False
) -> Response:
    who = await schedules(visit)
    met = await absences.met(visit, who, typed) if looks and not problems else None
    return visit.render(
        "calendar/block.html",
        422 if problems else 200,
        desk_tabs=tabs(visit),
        who=who,
        typed=dict.fromkeys(_FIELDS, "") | typed,
        problems=problems,
        reasons=CLOSED,
        blocks=[block for line in who.lines for block in _blocks(who, line, visit)],
        met=met,
        blocked=visit.query("blocked") == "1",
        hows=absences.HOWS,
        may_rearrange=visit.may("u", "Appointment") and visit.may("c", "Appointment"),
        done=absences.told(visit),
        said=SAID.get(visit.query("said"), ""),
        today=visit.today,
    )


async def block(visit: Visit) -> Response:
    """POST: close the Schedules of somebody for a while; with `do=look` say what that meets."""
    sent = await fields(visit.request)
    who = await schedules(visit)
    lines = who.of(sent.get("of", ""))
    problems = {} if lines else {"of": mark("Choose one of the list.")}
    why = sent.get("why", "").strip() or sent.get("reason", "")
    if len(why) > _MOST_WHY:
        problems["why"] = mark("This is too long.")
    periods = {
        line.id: absences.period(visit, sent, who.zone(line.zone), problems) for line in lines
    }
    if problems or sent.get("do") == "look":
        return await _page(visit, sent, problems, looks=True)
    for line in lines:
        noted = {"extension": [{"url": names.CLOSED_WHY, "valueString": why}]} if why else {}
        closing: Tree = {"url": names.CLOSED, "valuePeriod": {**noted, **periods[line.id]}}
        await _patch(visit, line.id, partial(_with, closing))
    return redirect(f"/desk/block?said=blocked&{absences.query(sent)}")


async def lift(visit: Visit) -> Response:
    """POST: open it again."""
    sent = await fields(visit.request)
    number = sent.get("number", "")
    if not (number.isascii() and number.isdigit() and len(number) < 5):
        raise Incorrect("Choose one of the list.")

    def without(tree: Tree) -> Tree:
        extensions = list(tree.get("extension", ()))
        place = int(number)
        start = extensions[place].get("valuePeriod", {}) if place < len(extensions) else {}
        if f"{start.get('start')}/{start.get('end')}" != sent.get("period"):
            raise Precondition("Somebody else has changed this schedule; load the page anew.")
        return {**tree, "extension": extensions[:place] + extensions[place + 1 :]}

    await _patch(visit, sent.get("schedule", ""), without)
    return redirect("/desk/block?said=lifted")


async def _patch(visit: Visit, id: str, change: commands.Change) -> None:
    assert visit.caller is not None
    await visit.web.door.patch(visit.caller, commands.Patch("Schedule", change, id=id))


def _with(closing: Tree, tree: Tree) -> Tree:
    return {**tree, "extension": [*tree.get("extension", ()), closing]}


def _blocks(who: Roster, line: Line, visit: Visit) -> list[Block]:
    """Those that are not over."""
    found = []
    for number, one in enumerate(line.tree.get("extension", ())):
        period = one.get("valuePeriod", {})
        end = str(period.get("end", ""))
        if one.get("url") != names.CLOSED or end[:10] < visit.today.isoformat():
            continue
        why = next((str(e.get("valueString", "")) for e in period.get("extension", ())), "")
        whom = ", ".join(map(who.name, line.people)) or who.site(line)
        first, last = (_said(str(period.get(name, ""))) for name in ("start", "end"))
        meets = absences.query_of(next(iter((*line.people, *line.places)), ""), period)
        found.append(Block(line.id, number, whom, first, last, why, period, meets))
    return found


def _said(text: str) -> str:
    day = say_day(date.fromisoformat(text[:10]))
    return f"{day} {text[11:16]}" if len(text) > 10 else day
