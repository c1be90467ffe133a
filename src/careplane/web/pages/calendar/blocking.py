"""Time that is blocked: leave, holidays, meetings, of one person on all their Schedules.

It is a closing on each Schedule (docs/scheduling.md): of days, or of hours. Visits that are booked
already stay; they are shown, so that they can be moved.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.responses import Response

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect, Precondition
from careplane.records import commands
from careplane.telehealth.scheduling import names
from careplane.telehealth.scheduling.availability.openings import moment
from careplane.telehealth.scheduling.visit import instant
from careplane.web.agenda.clock import bounds, day_in, local, time_in
from careplane.web.agenda.roster import Line, Roster
from careplane.web.agenda.visits import Shown, shown
from careplane.web.agenda.words import CLOSED
from careplane.web.forms import fields
from careplane.web.i18n import mark
from careplane.web.pages.calendar.reading import patients, schedules, tabs, visits
from careplane.web.visit import Visit, redirect
from careplane.words.dates import day as say_day
from careplane.words.dates import long_day

_FIELDS = ("of", "reason", "first", "last", "from", "to", "why")
_MOST_WHY = 200
_LONGEST = 400
SAID = {
    "blocked": mark("The time is blocked."),
    "lifted": mark("The time can be booked again."),
}


@dataclass(frozen=True, slots=True)
class Block:
    """A closing of one Schedule, by its place there."""

    schedule: str
    number: int
    whom: str
    first: str
    last: str
    why: str
    period: Tree


async def show(visit: Visit) -> Response:
    """GET /desk/block."""
    return await _page(visit, {"of": visit.query("of"), "first": visit.query("day")}, {})


async def _page(visit: Visit, typed: dict[str, str], problems: dict[str, str]) -> Response:
    who = await schedules(visit)
    return visit.render(
        "calendar/block.html",
        422 if problems else 200,
        desk_tabs=tabs(visit),
        who=who,
        typed=dict.fromkeys(_FIELDS, "") | typed,
        problems=problems,
        reasons=CLOSED,
        blocks=[block for line in who.lines for block in _blocks(who, line, visit)],
        met=await _met(visit, who),
        said=SAID.get(visit.query("said"), ""),
        today=visit.today,
    )


async def block(visit: Visit) -> Response:
    """POST: close the Schedules of somebody for a while."""
    sent = await fields(visit.request)
    who = await schedules(visit)
    lines = who.of(sent.get("of", ""))
    problems = {} if lines else {"of": mark("Choose one of the list.")}
    why = sent.get("why", "").strip() or sent.get("reason", "")
    if len(why) > _MOST_WHY:
        problems["why"] = mark("This is too long.")
    periods = {line.id: _period(visit, sent, who.zone(line.zone), problems) for line in lines}
    if problems:
        return await _page(visit, sent, problems)
    for line in lines:
        noted = {"extension": [{"url": names.CLOSED_WHY, "valueString": why}]} if why else {}
        closing: Tree = {"url": names.CLOSED, "valuePeriod": {**noted, **periods[line.id]}}
        await _patch(visit, line.id, partial(_with, closing))
    first = sent.get("first", "")
    said = {"said": "blocked", "of": sent["of"], "day": first, "until": sent.get("last") or first}
    return redirect("/desk/block?" + urlencode(said))


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


def _period(
    visit: Visit, sent: dict[str, str], zone: ZoneInfo, problems: dict[str, str]
) -> dict[str, str]:
    """Of days, or of hours at the clock of the place."""
    today = local(visit.web.clock(), zone).date()
    try:
        first = day_in(sent.get("first", ""), today)
        last = day_in(sent.get("last", ""), first)
    except Incorrect:
        problems["first"] = mark("Write days as 2030-12-31.")
        return {}
    if last < first or (last - first).days > _LONGEST:
        problems["last"] = mark("The last day is before the first, or more than a year later.")
        return {}
    begin, end = sent.get("from", "").strip(), sent.get("to", "").strip()
    if not begin and not end:
        return {"start": first.isoformat(), "end": last.isoformat()}
    try:
        low, high = moment(first, time_in(begin), zone), moment(last, time_in(end), zone)
    except Incorrect:
        problems["from"] = mark("Write both times of day as 09:30, or none for whole days.")
        return {}
    if high <= low:
        problems["to"] = mark("This ends before it begins.")
        return {}
    return {"start": instant(low, zone), "end": instant(high, zone)}


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
        found.append(Block(line.id, number, whom, first, last, why, period))
    return found


def _said(text: str) -> str:
    day = say_day(date.fromisoformat(text[:10]))
    return f"{day} {text[11:16]}" if len(text) > 10 else day


async def _met(visit: Visit, who: Roster) -> list[dict[str, Any]]:
    """Visits that are booked in the days that were just blocked."""
    of, lines = visit.query("of"), who.of(visit.query("of"))
    if visit.query("said") != "blocked" or not lines:
        return []
    zone = who.zone(lines[0].zone)
    first = day_in(visit.query("day"), visit.today)
    last = min(day_in(visit.query("until"), first), first + timedelta(days=_LONGEST))
    trees, _ = await visits(visit, who.roles(of), *bounds(first, last, zone))
    rows: list[Shown] = [shown(tree, zone) for tree in trees]
    low, _ = bounds(first, last, zone)
    rows = [one for one in rows if one.status == "booked" and one.start >= low]
    named = await patients(visit, rows)
    return [
        {"row": row, "patient": named.get(row.patient), "day": long_day(on)}
        for row in rows for on in [local(row.start, zone).date()]
    ]  # fmt: skip
